import { bodyOf } from './kinds';
import type { FlowNode, Prompt } from './types';

/** The lists of prompts that a node of any kind may have, in the order in which they are heard. */
export const PROMPT_KEYS = ['greeting', 'prompts', 'timeout_prompts', 'invalid_prompts'] as const;

export function promptListsOf(node: FlowNode): { key: (typeof PROMPT_KEYS)[number]; prompts: Prompt[] }[] {
  const body = bodyOf(node);
  return PROMPT_KEYS.flatMap((key) => (Array.isArray(body[key]) ? [{ key, prompts: body[key] as Prompt[] }] : []));
}

/** What a prompt says, or the file that it plays. */
export function wordsOf(prompt: Prompt): string {
  if ('say' in prompt) return prompt.say;
  if ('speech' in prompt) return prompt.speech.text;
  return 'file' in prompt ? prompt.file : '';
}

/** The words of all prompts of a node that have some. */
export function promptsOf(node: FlowNode): string[] {
  return promptListsOf(node)
    .flatMap(({ prompts }) => prompts.map(wordsOf))
    .filter((words) => words !== '');
}

/** Names in braces: `{caller}` in a text. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(/\{([A-Za-z_][\w.-]*)\}/g)].flatMap((match) => match[1] ?? []);
}
