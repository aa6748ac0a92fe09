/** Checks that what the browser tests require is installed, and otherwise says in one line how to get it. */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The Chromium to drive: CHROME_PATH, or the first one on PATH. */
export function findChromium() {
  const named = process.env.CHROME_PATH;
  if (named) return existsSync(named) ? named : undefined;
  return onPath('chromium', 'chromium-browser', 'google-chrome');
}

/** The Firefox to drive: FIREFOX_PATH, or the first one on PATH. */
export function findFirefox() {
  const named = process.env.FIREFOX_PATH;
  if (named) return existsSync(named) ? named : undefined;
  return onPath('firefox-esr', 'firefox');
}

/** WebKitGTK's driver and browser, and a display for it (Debian: webkit2gtk-driver, xvfb). */
export function findWebKit() {
  const [driver, display] = [onPath('WebKitWebDriver'), onPath('Xvfb')];
  const places = [
    '/usr/lib',
    ...(existsSync('/usr/lib') ? readdirSync('/usr/lib') : []).map((folder) => `/usr/lib/${folder}`),
  ];
  const versions = ['webkitgtk-6.0', 'webkit2gtk-4.1', 'webkit2gtk-4.0'];
  const browser = places
    .flatMap((place) => versions.map((v) => join(place, v, 'MiniBrowser')))
    .find(existsSync);
  return driver && display && browser ? { driver, display, browser } : undefined;
}

/** @param {string[]} names */
function onPath(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** The folder of fixtures with pixels decoded by Python (fixtures.ts). */
export function findFixtures() {
  const folder = process.env.ANIR_FIXTURES;
  return folder && existsSync(join(folder, 'fixtures.json')) ? folder : undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (!findChromium()) {
    stop('Chromium was not found: install it (Debian: sudo apt-get install chromium) or set CHROME_PATH.');
  }
  if (!findFixtures()) {
    stop('ANIR_FIXTURES names no fixtures: run `make test-web` in the folder above, which makes them.');
  }
  if (!findFirefox())
    console.warn('Firefox was not found, so its tests are left out: install it or set FIREFOX_PATH.');
  if (!findWebKit())
    console.warn(
      'WebKitGTK was not found, so its tests are left out: install webkit2gtk-driver and xvfb (Debian).',
    );
}

/** @param {string} line */
function stop(line) {
  console.error(line);
  process.exit(1);
}
