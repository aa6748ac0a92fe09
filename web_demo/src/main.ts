/** Wires the page: what the visitor does on one side, the decoder and the stage on the other. */
import { ModelError, type NeuralImage } from '../neural-img/src/index.ts';
import type { Subnet } from '../neural-img/src/manifest.ts';
import { AdaptPanel } from './adapt_panel.ts';
import { Comparison, NAMES } from './comparison.ts';
import { DeviceLine } from './device_line.ts';
import { Engines } from './engines.ts';
import { formatBytes, formatDuration, formatSize } from './format.ts';
import { readLink, writeLink } from './link.ts';
import { NeuralLayer, paint } from './neural_layer.ts';
import { wireOwnFiles } from './own_files.ts';
import { create, find } from './page.ts';
import { loadSamples, type Picture, readOwn } from './picture.ts';
import { SaveDialog } from './save_dialog.ts';
import { Stage } from './stage.ts';
import { type Region, type View, WHOLE } from './view.ts';

interface Shown {
  picture: Picture;
  subnet: Subnet;
  image: NeuralImage;
  file: Uint8Array;
}

/** Milliseconds without a change of view after which it is worth decoding. */
const IDLE = 150;
// One tile of the decoder, so that a thumbnail never holds up the picture.
const THUMBNAIL = { width: 108, height: 72 };

const ui = {
  stage: find('stage', HTMLElement),
  neural: find('neural', HTMLElement),
  progress: find('progress', HTMLElement),
  headline: find('headline', HTMLElement),
  waiting: find('waiting', HTMLElement),
  alert: find('alert', HTMLElement),
  status: find('status', HTMLElement),
  samples: find('samples', HTMLElement),
  thumbs: find('thumbs', HTMLElement),
  zoom: find('zoom', HTMLElement),
  save: find('save', HTMLButtonElement),
  copy: find('copy', HTMLButtonElement),
  compareEngines: find('compare-engines', HTMLButtonElement),
};

const engines = new Engines(() => shown && void show(shown.picture, shown.subnet));
const layer = new NeuralLayer(ui.neural, showProgress);
const stage = new Stage(onView, onSettled);
const comparison = new Comparison(onSettled, report);
const adapt = new AdaptPanel((subnet) => shown && void show(shown.picture, subnet));
const saving = new SaveDialog(report);
const device = new DeviceLine(engines.decoder.threads);

let samples: Picture[] = [];
let shown: Shown | undefined;
/** Ends when something newer is to be shown: the latest choice wins. */
let turn = new AbortController();
/** Ends when what is being drawn is not in view any more. */
let drawing = new AbortController();
/** Something else is to be shown as soon as it is there. */
let loading = true;
let idle: ReturnType<typeof setTimeout> | undefined;
let writing: ReturnType<typeof setTimeout> | undefined;

wireTools();
wireOwnFiles((files) => void openOwn(files));
// Other addresses on the page, such as #how, are not about pictures.
addEventListener('hashchange', () => void (readLink(location.hash) && follow()));
await start();

async function start(): Promise<void> {
  const first = turn;
  try {
    samples = await loadSamples(new URL('samples/', document.baseURI));
    const thumbnails = samples.map(thumbnailOf);
    ui.samples.hidden = samples.length === 0;
    // A visitor who was faster than the samples keeps what was opened.
    if (turn === first) await follow();
    for (const draw of thumbnails) await draw().catch(report);
    ui.thumbs.ariaBusy = 'false';
  } catch (error) {
    report(new Error(`The samples cannot be shown: ${error instanceof Error ? error.message : error}`));
  }
  if (!shown && turn === first) invite();
}

/** Shows what the address says, else the first sample. */
async function follow(): Promise<void> {
  const link = readLink(location.hash);
  const picture = samples.find(({ id }) => id === link?.picture) ?? samples[0];
  if (!picture) return invite();
  const subnet = picture.subnets.find(({ name }) => name === link?.subnet);
  if (subnet) adapt.keep();
  if (link?.rival) comparison.rival = link.rival;
  comparison.difference = link?.difference ?? false;
  stage.split = link?.split ?? 0.5;
  await show(picture, subnet ?? adapt.firstOf(picture), link?.view);
  if (link && link.picture !== picture.id)
    report(new Error(`The link names the picture “${link.picture}”, which is not here.`));
  else if (link?.subnet && !subnet)
    report(new Error(`The link names the network “${link.subnet}”, which this picture does not have.`));
}

/** Loads, decodes and describes; what was shown before stays when that fails. */
async function show(picture: Picture, subnet: Subnet | undefined, view?: View): Promise<void> {
  const signal = begin();
  const before = shown;
  try {
    if (!subnet) throw new ModelError('This picture has no network.');
    const blob = await picture.folder.read(subnet.file, signal);
    const file = new Uint8Array(await blob.arrayBuffer());
    const image = await engines.decoder.open(file);
    signal.throwIfAborted();
    refuseOther(picture, image);
    present({ picture, subnet, image, file }, view);
    await draw();
  } catch (error) {
    if (!signal.aborted) giveUp(error, before);
  }
}

/** Goes back to what was shown before, and says why. */
function giveUp(error: unknown, before = shown): void {
  loading = false;
  if (before) present(before);
  else invite();
  report(error);
}

/** Whatever was under way before is not wanted any more. */
function begin(): AbortSignal {
  turn.abort();
  turn = new AbortController();
  loading = true;
  ui.stage.ariaBusy = 'true';
  ui.alert.textContent = '';
  return turn.signal;
}

async function openOwn(files: Promise<File[]>): Promise<void> {
  const signal = begin();
  try {
    const picture = await readOwn(await files, async (file) => (await engines.decoder.open(file)).info);
    if (!signal.aborted) await show(picture, adapt.firstOf(picture));
  } catch (error) {
    if (!signal.aborted) giveUp(error);
  }
}

function refuseOther({ width, height }: Picture, { info }: NeuralImage): void {
  if (info.width === width && info.height === height) return;
  throw new ModelError(
    `This network draws ${formatSize(info)} pixels, but the manifest says ${formatSize({ width, height })}.`,
  );
}

/** Describes what is shown, everywhere on the page. */
function present(next: Shown, view?: View): void {
  const { picture, subnet, image } = next;
  const isOther = shown?.picture !== picture;
  if (shown?.picture.width !== picture.width || shown.picture.height !== picture.height) layer.clear();
  shown = next;
  loading = false;
  const size = formatBytes(image.bytes);
  ui.headline.replaceChildren('This picture is a neural network of ', create('strong', {}, size), '.');
  ui.neural.ariaLabel = `${picture.title}, drawn by a neural network of ${size}`;
  for (const radio of ui.samples.querySelectorAll('input')) radio.checked = radio.value === picture.id;
  stage.show(view ?? (isOther ? WHOLE : stage.view), picture);
  comparison.show(picture, subnet);
  adapt.show(picture, subnet);
  compareOnMap();
  ui.save.disabled = ui.compareEngines.disabled = false;
  engines.forget();
  ui.copy.disabled = picture.id === undefined;
}

/** Draws what is in view, and learns from it how fast this device is. */
async function draw(): Promise<void> {
  if (!shown) return;
  const { picture, subnet, image } = shown;
  clearTimeout(idle);
  drawing.abort();
  drawing = new AbortController();
  const { signal } = drawing;
  try {
    const pass = await layer.draw(image, stage.region(), signal);
    signal.throwIfAborted();
    device.show(pass);
    engines.show(pass);
    ui.status.textContent = `${picture.title} drawn in ${formatDuration(pass.milliseconds)}`;
    showProgress(0);
    ui.stage.ariaBusy = String(loading);
    onSettled();
    adapt.learn(subnet, pass);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** While the view moves, what is there is moved along; it is drawn anew once the view rests. */
function onView(): void {
  ui.zoom.textContent = `${Number(stage.view.zoom.toPrecision(2))}×`;
  if (!shown) return;
  drawing.abort();
  ui.stage.ariaBusy = 'true';
  clearTimeout(idle);
  idle = setTimeout(() => draw().catch(report), IDLE);
}

/** Keeps the address up with what is to be seen; browsers allow that only so often. */
function onSettled(): void {
  if (!shown || ui.stage.ariaBusy === 'true') return;
  const { picture, subnet } = shown;
  const { view, split } = stage;
  const { rival, difference } = comparison;
  compareOnMap();
  const link =
    picture.id && writeLink({ picture: picture.id, subnet: subnet.name, view, split, rival, difference });
  clearTimeout(writing);
  writing = setTimeout(
    () => history.replaceState(null, '', link ?? location.pathname + location.search),
    IDLE,
  );
}

/** The curve of the codec that the picture is compared with, over all its subnets. */
function compareOnMap(): void {
  const { rival } = comparison;
  const codec = rival === 'original' ? undefined : rival;
  const twins = [...(shown?.picture.twins.values() ?? [])];
  adapt.compare(codec ? NAMES[codec] : '', codec ? twins.map((row) => row[codec]) : []);
}

/** A choice among the samples, and what draws its thumbnail: the smallest of its networks. */
function thumbnailOf(picture: Picture): () => Promise<void> {
  const canvas = create('canvas', THUMBNAIL);
  const radio = create('input', { type: 'radio', name: 'sample', value: picture.id ?? '' });
  radio.addEventListener('change', () => void show(picture, adapt.firstOf(picture)));
  ui.thumbs.append(create('label', {}, radio, canvas, picture.title));
  return async () => {
    const [smallest] = [...picture.subnets].sort((a, b) => a.bytes - b.bytes);
    if (!smallest) return;
    const file = await picture.folder.read(smallest.file);
    const image = await engines.decoder.open(new Uint8Array(await file.arrayBuffer()));
    await paint(canvas, image, thumbnailRegion(picture), new AbortController().signal, () => {});
  };
}

/** As much of the picture's middle as fills a thumbnail. */
function thumbnailRegion({ width, height }: Picture): Region {
  const scale = Math.min(width / THUMBNAIL.width, height / THUMBNAIL.height);
  const part = (side: number, size: number) => ({ start: (side - size * scale) / 2, count: size * scale });
  return { columns: part(width, THUMBNAIL.width), rows: part(height, THUMBNAIL.height), size: THUMBNAIL };
}

function wireTools(): void {
  const zooms: Record<string, () => void> = {
    'zoom-in': () => stage.zoomBy(1.5),
    'zoom-out': () => stage.zoomBy(1 / 1.5),
    fit: () => stage.show(WHOLE),
  };
  for (const [id, zoom] of Object.entries(zooms)) find(id, HTMLButtonElement).addEventListener('click', zoom);
  ui.compareEngines.addEventListener('click', () => {
    if (shown) engines.compare(shown.file).catch(report);
  });
  ui.copy.addEventListener('click', () => copyLink().catch(report));
  ui.save.addEventListener('click', () => {
    if (!shown) return;
    const { picture, subnet, image } = shown;
    const stem = picture.id ? `${picture.id}-${subnet.name}` : subnet.file.replace(/\.(onnx|anir)$/i, '');
    saving.open({ image, stem, view: stage.region() });
  });
}

async function copyLink(): Promise<void> {
  if (!navigator.clipboard)
    throw new Error('Copy the link from the address bar: this browser keeps its clipboard shut.');
  await navigator.clipboard.writeText(location.href);
  ui.copy.textContent = 'Link copied';
  ui.status.textContent = 'Link copied';
  setTimeout(() => {
    ui.copy.textContent = 'Copy link';
  }, 2000);
}

function showProgress(share: number): void {
  ui.waiting.hidden = true;
  ui.progress.style.opacity = share > 0 ? '1' : '0';
  ui.progress.style.transform = `scaleX(${share})`;
}

/** Says what to do while there is nothing to see. */
function invite(): void {
  ui.waiting.textContent = 'Open a neural image (.onnx or .anir) to see it here.';
  ui.stage.ariaBusy = 'false';
}

function report(error: unknown): void {
  ui.alert.textContent = error instanceof Error ? error.message : String(error);
}
