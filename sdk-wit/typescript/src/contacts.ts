// The domain's address book.
import * as raw from 'tandem:pbx/contacts@0.2.0';
import { ContactsError, answered } from './errors.ts';

export type Contact = raw.Contact;
export type ContactNumber = raw.ContactNumber;

/** Who has a number, however it is written; undefined: nobody. Throws {@link ContactsError}. */
export function findByNumber(number: string): Contact | undefined {
  return answered(ContactsError, () => raw.findByNumber(number)) ?? undefined;
}

/** Up to `limit` (1 to 100) contacts by name that have each word of `text`, or these digits. Throws {@link ContactsError}. */
export function search(text: string, limit = 20): Contact[] {
  return answered(ContactsError, () => raw.search(text, limit));
}
