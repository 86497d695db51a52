import { api, type Schemas, taken } from '../../api/client';
import type { FlowDocument } from '../../editor/model/types';

/** What a new flow begins with. */
export type Origin = { from: 'nothing' } | { from: 'flow'; name: string } | { from: 'file' };

/** A file that holds no flow. */
export class Unreadable extends Error {
  constructor(readonly problems: { path: string; detail: string }[]) {
    super(problems[0]?.detail ?? '');
  }
}

/** The document to save. The editor's model is loaded only now: it reads files as the editor does. */
export async function readOrigin(
  domain: string, origin: Origin, { title, file }: { title: string; file: File | null },
): Promise<Schemas['FlowDocument']> {
  if (origin.from === 'flow') {
    return (await taken(api.GET('/domains/{domain}/flows/{name}', { params: { path: { domain, name: origin.name } } }))).data;
  }
  const { emptyDocument, readJson } = await import('../../editor/model/document');
  if (origin.from === 'nothing') return bodyOf(emptyDocument(title));
  const read = readJson((await file?.text()) ?? '');
  if (!read.ok) throw new Unreadable(read.problems);
  return bodyOf(read.value);
}

function bodyOf({ flow, drawing }: FlowDocument): Schemas['FlowDocument'] {
  return { flow: { ...flow }, drawing: { ...drawing } };
}
