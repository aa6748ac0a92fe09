/** The files that a visitor opens or drops, whether one by one or as a folder. */
import { create, find } from './page.ts';

/** Calls `onFiles` with what is opened or dropped; the whole page takes a drop. */
export function wireOwnFiles(onFiles: (files: Promise<File[]>) => void): void {
  for (const id of ['file', 'folder']) {
    const input = find(id, HTMLInputElement);
    find(`open-${id}`, HTMLButtonElement).addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      onFiles(Promise.resolve([...(input.files ?? [])]));
      // So that choosing the same again is a change, too.
      input.value = '';
    });
  }
  wireDrop(onFiles);
}

/** `dragenter` and `dragleave` come for every element on the way, so they are counted. */
function wireDrop(onFiles: (files: Promise<File[]>) => void): void {
  const veil = find('drop', HTMLElement);
  let depth = 0;
  const enter = (change: number) => {
    depth = change === 0 ? 0 : depth + change;
    veil.hidden = depth <= 0;
  };
  addEventListener('dragenter', () => enter(1));
  addEventListener('dragleave', () => enter(-1));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    enter(0);
    if (event.dataTransfer) onFiles(filesOf(event.dataTransfer));
  });
}

/** The dropped files, and those in dropped folders; the entries have to be taken before anything is awaited. */
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
  // A reader gives some entries at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((...both) => reader.readEntries(...both));
    if (some.length === 0) return files;
    for (const one of some) if (one.isFile) files.push(...(await filesIn(one)));
  }
}

/** Hands a file to the visitor. */
export function download(blob: Blob, name: string): void {
  const link = create('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  // Some browsers read the address only after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
