import { api, taken } from '../../api/client';

/** What a new flow begins with. */
export type Origin = { from: 'nothing' } | { from: 'flow'; name: string } | { from: 'file' };

/** A file that holds no flow. */
export class Unreadable extends Error {
  constructor(readonly problems: { path: string; detail: string }[]) {
    super(problems[0]?.detail ?? '');
  }
}

/** The document to save. The editor's model is loaded only now: it reads files as the editor does. */
export async function readOrigin(domain: string, origin: Origin, { title, file }: { title: string; file: File | null }) {
  if (origin.from === 'flow') {
    return (await taken(api.GET('/domains/{d}/flows/{name}', { params: { path: { d: domain, name: origin.name } } }))).data;
  }
  const { emptyDocument, readJson } = await import('../../editor/model/document');
  if (origin.from === 'nothing') return { ...emptyDocument(title) };
  const read = readJson((await file?.text()) ?? '');
  if (!read.ok) throw new Unreadable(read.problems);
  return { ...read.value };
}
