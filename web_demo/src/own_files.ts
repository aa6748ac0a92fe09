/** Opens and downloads a visitor's own files. */
import { create, find } from './page.ts';

/** Calls `onFiles` with the files that are opened, or dropped anywhere on the page, also those in folders. */
export function wireOwnFiles(onFiles: (files: Promise<File[]>) => void): void {
  for (const id of ['file', 'folder']) {
    const input = find(id, HTMLInputElement);
    find(`open-${id}`, HTMLButtonElement).addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      onFiles(Promise.resolve([...(input.files ?? [])]));
      // So that choosing the same file again fires `change`, too.
      input.value = '';
    });
  }
  wireDrop(onFiles);
}

/**
 * Handles drops of files; those of texts and links are left to the browser. `dragenter` and `dragleave` fire for every element on the
 * way, so they are counted.
 */
function wireDrop(onFiles: (files: Promise<File[]>) => void): void {
  const veil = find('drop', HTMLElement);
  let depth = 0;
  const enter = (change: number) => {
    depth = change === 0 ? 0 : depth + change;
    veil.hidden = depth <= 0;
  };
  const listen = (type: 'dragenter' | 'dragleave' | 'dragover' | 'drop', act: (data: DataTransfer) => void) =>
    addEventListener(type, (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      act(event.dataTransfer);
    });
  listen('dragenter', () => enter(1));
  listen('dragleave', () => enter(-1));
  listen('dragover', () => {});
  listen('drop', (data) => {
    enter(0);
    onFiles(filesOf(data));
  });
}

/** The dropped files and those in dropped folders. Entries have to be read before the first await. */
async function filesOf({ items, files }: DataTransfer): Promise<File[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return [...files];
  return (await Promise.all(entries.map(filesIn))).flat();
}

async function filesIn(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile)
    return [await new Promise<File>((...both) => (entry as FileSystemFileEntry).file(...both))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  // A reader returns some entries at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((...both) => reader.readEntries(...both));
    if (some.length === 0) return files;
    for (const one of some) if (one.isFile) files.push(...(await filesIn(one)));
  }
}

/** Downloads a blob as a file. */
export function download(blob: Blob, name: string): void {
  const link = create('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  // Some browsers read the URL only after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
