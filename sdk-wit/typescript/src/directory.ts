import { findUser as rawFindUser } from 'tandem:pbx/directory@0.2.0';

/** A user of the domain. */
export interface User {
  /** The name, which is the extension. */
  name: string;
  /** The name that people read; may be empty. */
  displayName: string;
  /** Whether a device is registered now. */
  registered: boolean;
}

/** Finds a user of the domain by its extension, or by a number that leads to it. */
export function findUser(number: string): User | undefined {
  return rawFindUser(number) ?? undefined;
}
