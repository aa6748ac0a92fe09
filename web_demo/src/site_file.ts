/** Fetches a file of the site. */

/** Fetches a file, or says in one line why that failed. Aborting rejects with the signal's reason. */
export async function fetchFile(url: URL, options: RequestInit): Promise<Response> {
  const name = decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
  const response = await fetch(url, options).catch((error) => {
    if (options.signal?.aborted) throw error;
    throw new Error(`${name} could not be fetched${whyOffline()}.`, { cause: error });
  });
  if (!response.ok) throw new Error(`${name} answered ${response.status}.`);
  return response;
}

/** What the page can do without the network, if there is none; else nothing. */
export const whyOffline = () =>
  navigator.onLine ? '' : ': this device is offline, where the page has only what it showed before';
