// The engine has no TextEncoder and no TextDecoder.

/** A text's UTF-8; a lone surrogate becomes U+FFFD. */
export function encode(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff) {
      code = 0xfffd;
    }
    if (code < 0x80) {
      bytes.push(code);
    } else if (code < 0x800) {
      bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    } else if (code < 0x10000) {
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    } else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
  }
  return Uint8Array.from(bytes);
}

/** The text of UTF-8; what is none becomes U+FFFD, a byte each. */
export function decode(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const [code, length] = one(bytes, at);
    text += String.fromCodePoint(code);
    at += length;
  }
  return text;
}

/** The code point at a place, and its length in bytes. */
function one(bytes: Uint8Array, at: number): [number, number] {
  const first = bytes[at] as number;
  if (first < 0x80) {
    return [first, 1];
  }
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  let code = first & (0x7f >> length);
  for (let next = at + 1; next < at + length; next += 1) {
    const byte = bytes[next] ?? 0;
    if ((byte & 0xc0) !== 0x80) {
      return [0xfffd, 1];
    }
    code = (code << 6) | (byte & 63);
  }
  const least = [0, 0, 0x80, 0x800, 0x10000][length] as number;
  const fits = first >= 0xc0 && first < 0xf8 && code >= least && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return fits ? [code, length] : [0xfffd, 1];
}
