/** Gives the browser a file to keep. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** The longest file that is read: what a number's settings may hold. */
const LONGEST = 1 << 20;

/** Lets a file be chosen and gives its text; `null`: none was chosen, `undefined`: it cannot be read, or is too long. */
export function chooseFile(): Promise<string | null | undefined> {
  return new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.accept = 'application/json,.json';
    input.onchange = () => {
      const file = input.files?.[0];
      if (!file) resolve(null);
      else if (file.size > LONGEST) resolve(undefined);
      else void file.text().then(resolve, () => resolve(undefined));
    };
    input.oncancel = () => resolve(null);
    input.click();
  });
}
