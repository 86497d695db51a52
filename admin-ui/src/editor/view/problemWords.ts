import type { TFunction } from 'i18next';

import type { Problem } from '../model/index';

/** What is wrong, as a sentence. */
export function problemWords(problem: Problem, t: TFunction): string {
  if (problem.detail) return problem.detail;
  const { of, port, ...args } = problem.args;
  return t(`problem.${problem.code}`, {
    ...args,
    ...(of === undefined ? {} : { of: t(`of.${of}`) }),
    ...(port === undefined ? {} : { port: wayWords(String(port), t) }),
  });
}

function wayWords(port: string, t: TFunction): string {
  const digit = /^choices\.(.*)$/.exec(port)?.[1];
  return digit === undefined ? t(`port.${port.replace('on.', '')}`) : t('words.choice', { digit });
}
