/** Copies `text` to the clipboard, and confirms that on the button. Throws an Error if the page has no access to the clipboard. */
export async function copyText(text: string, button: HTMLButtonElement): Promise<void> {
  if (!navigator.clipboard)
    throw new Error('Copy it by hand: this browser does not let this page use the clipboard.');
  await navigator.clipboard.writeText(text);
  const before = button.dataset.label ?? button.textContent;
  button.dataset.label = before;
  button.textContent = 'Copied';
  setTimeout(() => {
    button.textContent = before;
  }, 2000);
}
