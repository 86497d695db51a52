import type { Prompt as RawPrompt } from 'tandem:pbx/types@0.2.0';
import type { CallProgressTone } from './types.ts';

/** One piece of what a caller hears. A text alone is said in the domain's language. */
export type Prompt = RawPrompt | string;

export const Prompt = {
  /** Speech, at most 4,096 characters; `language` is a tag such as `en`, empty: the domain's. */
  say(text: string, language = ''): Prompt {
    return { tag: 'speech', val: { text, language } };
  },

  /** A WAV file of the domain, by its name, without a path. */
  file(name: string): Prompt {
    return { tag: 'file', val: name };
  },

  /** Silence, in milliseconds, 1 to 600,000. */
  silence(durationMs: number): Prompt {
    return { tag: 'silence', val: durationMs };
  },

  /** A tone of one or two frequencies (20 to 3,800 Hz), for a time in milliseconds, 1 to 600,000. */
  tone(firstHz: number, durationMs: number, secondHz = 0): Prompt {
    return { tag: 'tone', val: { firstHz, secondHz, durationMs } };
  },

  /** A tone by its meaning, for a time in milliseconds, 1 to 600,000. */
  progress(tone: CallProgressTone, durationMs: number): Prompt {
    return { tag: 'progress', val: { tone, durationMs } };
  },
};

export function rawPrompts(prompts: Prompt[]): RawPrompt[] {
  return prompts.map((prompt) =>
    typeof prompt === 'string' ? { tag: 'speech', val: { text: prompt, language: '' } } : prompt,
  );
}
