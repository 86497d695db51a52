import type { Schemas } from '../../api/client';

/** Whether nothing more becomes of a recording by phone. */
export function isOver(state: Schemas['RecordingByPhoneState']): boolean {
  return state !== 'ringing' && state !== 'recording';
}

/** What the phone hears, to somebody who reads the console in this language. */
export function spokenLanguage(language: string): Schemas['RecordLanguage'] {
  return language.split('-')[0] === 'ru' ? 'ru' : 'en';
}
