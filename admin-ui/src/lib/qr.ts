import qrcode from 'qrcode-generator';

/** A text as the image of a QR code, with the quiet zone that readers want around it (ISO/IEC 18004, 4 modules). */
export function qrPicture(text: string): string {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  return code.createDataURL(5, 20);
}
