// E-mail by the administrator's mail server, from the domain's own sender.
import { send as rawSend } from 'tandem:pbx/mail@0.2.0';
import { MailError, answered } from './errors.ts';

/** A mail. */
export interface Mail {
  /** One address such as `ann@example.com`, without a name, or up to 16. */
  to: string | string[];
  /** One line, at most 256 bytes. */
  subject: string;
  /** At most 64 KiB. */
  text: string;
  /** The same for readers that show HTML, at most 128 KiB. */
  html?: string;
  /** Names of recordings that go along as WAV files: at most 4, of 16 MiB together. */
  attachments?: string[];
}

/**
 * Sends a mail, and gives its Message-ID once the mail server has taken it. After a crash it may be sent again, with the
 * same Message-ID. Throws {@link MailError}.
 */
export function send(mail: Mail): string {
  const raw = {
    to: typeof mail.to === 'string' ? [mail.to] : mail.to,
    subject: mail.subject,
    text: mail.text,
    html: mail.html ?? null,
    attachments: mail.attachments ?? [],
  };
  return answered(MailError, () => rawSend(raw));
}
