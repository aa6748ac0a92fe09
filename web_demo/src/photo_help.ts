/** A dialog for photographs, which are no neural images yet: shows the command that makes a neural image of one, to be copied. */
import { copyText } from './clipboard.ts';
import { create, find } from './page.ts';

const PHOTOGRAPH = /\.(avif|bmp|gif|heic|heif|jpe?g|jxl|png|tiff?|webp)$/i;

export const isPhotograph = ({ name, type }: Pick<File, 'name' | 'type'>) =>
  type.startsWith('image/') || PHOTOGRAPH.test(name);

/** Pictures that browsers or phones have, but anir does not read. */
const UNREADABLE = /\.(heic|heif|jxl|svgz?)$/i;

export const isUnreadable = (name: string) => UNREADABLE.test(name);

/** The command that makes a neural image of the photograph, quoted for a POSIX shell. */
export function commandFor(name: string): string {
  const stem = name.replace(/\.[^.]+$/, '') || name;
  return `anir-train ${quote(name)} -o ${quote(`${stem}.anir`)}`;
}

function quote(word: string): string {
  // A leading dash would make it an option.
  const path = word.startsWith('-') ? `./${word}` : word;
  return /^[\w.,+@%/=:-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

export class PhotoHelp {
  readonly #dialog = find('photo-dialog', HTMLDialogElement);
  readonly #command = find('photo-command', HTMLElement);
  readonly #copy = find('photo-copy', HTMLButtonElement);

  constructor(onError: (error: unknown) => void) {
    find('photo-close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#copy.addEventListener('click', () =>
      copyText(this.#command.textContent, this.#copy).catch((error) => {
        this.#dialog.close();
        onError(error);
      }),
    );
  }

  open(name: string): void {
    find('photo-title', HTMLElement).replaceChildren(create('bdi', {}, name), ' is not a neural image yet');
    find('photo-first', HTMLElement).textContent = isUnreadable(name) ? 'Save it as JPEG or PNG first. ' : '';
    this.#command.textContent = commandFor(name.replace(UNREADABLE, '.jpg'));
    this.#dialog.showModal();
  }
}
