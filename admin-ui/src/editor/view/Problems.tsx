import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { nodeOf } from '../model/index';
import type { FlowDocument, Problem } from '../model/index';
import { problemWords } from './problemWords';

interface Props {
  document: FlowDocument;
  problems: readonly Problem[];
  onShow: (node: string | null) => void;
}

/** What is wrong, errors first; a click shows where. */
export function Problems({ document, problems, onShow }: Props) {
  const { t } = useTranslation('editor');
  const sorted = [...problems.filter(isError), ...problems.filter((problem) => !isError(problem))];
  return (
    <section className="ed-problems" aria-label={t('problems.title')} tabIndex={0}>
      {sorted.length === 0 && <Text size="sm" c="dimmed" p="xs">{t('problems.none')}</Text>}
      {sorted.map((problem, index) => (
        <button type="button" className="ed-problem" key={index} onClick={() => onShow(problem.node)}>
          <span className={isError(problem) ? 'ed-dot ed-error' : 'ed-dot'} role="img" aria-label={t(`problems.${problem.severity}`)} />
          <b>{problem.node === null ? t('problems.flow') : (nodeOf(document, problem.node)?.name ?? problem.node)}</b>
          <span>{problemWords(problem, t)}</span>
        </button>
      ))}
    </section>
  );
}

function isError(problem: Problem): boolean {
  return problem.severity === 'error';
}
