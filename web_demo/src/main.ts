/** The page's entry point: connects its controls with the decoder and the stage. */
import type { NeuralImage } from '../neural-img/src/index.ts';
import type { Subnet } from '../neural-img/src/manifest.ts';
import { AdaptPanel } from './adapt_panel.ts';
import { ByteSlider } from './byte_slider.ts';
import { copyText } from './clipboard.ts';
import { Comparison } from './comparison.ts';
import { cutAt, PREVIEW } from './cut.ts';
import { DeviceLine } from './device_line.ts';
import { Engines } from './engines.ts';
import { formatBytes, formatDuration } from './format.ts';
import { Gallery } from './gallery.ts';
import { readLink, writeLink } from './link.ts';
import { endsEarly } from './loading.ts';
import type { Pass } from './neural_layer.ts';
import { Offline } from './offline.ts';
import { wireOwnFiles } from './own_files.ts';
import { find } from './page.ts';
import { isPhotograph, PhotoHelp } from './photo_help.ts';
import { type Picture, readOwn } from './picture.ts';
import { Sample } from './samples.ts';
import { SaveDialog } from './save_dialog.ts';
import { Screens } from './screens.ts';
import { Stage } from './stage.ts';
import { type Region, WHOLE } from './view.ts';
import { type Shown, Viewer } from './viewer.ts';

/** Milliseconds without a change after which the URL is updated: browsers limit how often that may happen. */
const IDLE = 150;

const ui = {
  alert: find('alert', HTMLElement),
  status: find('status', HTMLElement),
  neural: find('neural', HTMLElement),
  zoom: find('zoom', HTMLElement),
  save: find('save', HTMLButtonElement),
  copy: find('copy', HTMLButtonElement),
  invitation: find('invitation', HTMLElement),
  own: find('own', HTMLElement),
  ownName: find('own-name', HTMLElement),
};

const engines = new Engines(changeEngine);
engines.light.start();
await yieldToBrowser();
const stage = new Stage(onView, onSettled);
const viewer = new Viewer(engines, stage, { onShown, onDrawn, onNothing, onError: report });
const comparison = new Comparison(
  onSettled,
  (on) => {
    viewer.native = on;
  },
  report,
);
const adapt = new AdaptPanel((subnet) => showAgain(() => subnet));
await yieldToBrowser();
const slider = new ByteSlider((bytes) => {
  adapt.keep('Cut by hand.');
  showAgain(({ subnets }) => cutAt(bytes, subnets));
});
const screens = new Screens(engines.light, report);
const saving = new SaveDialog(report);
const photoHelp = new PhotoHelp(report);
const device = new DeviceLine(engines.decoder.threads);
const offline = new Offline();
const samples = Sample.list(
  JSON.parse(find('samples-index', HTMLScriptElement).textContent),
  new URL('samples/', document.baseURI),
);
const gallery = new Gallery(samples, showSample);

/** Whether the chosen engine has warmed up, so that its times can be measured. */
let isWarm = false;
let writing: ReturnType<typeof setTimeout> | undefined;

await yieldToBrowser();
wireTools();
wireOwnFiles((files) => void openOwn(files));
// Other fragments, such as #how, do not name pictures.
addEventListener('hashchange', () => void (readLink(location.hash) && follow()));
await follow();
await gallery.draw(engines.light);
await warmUp();
await offline.start().catch(() => undefined);
if (viewer.shown) offline.keep(viewer.shown.picture);

/** Shows what the URL names, else the first sample. */
async function follow(): Promise<void> {
  const link = readLink(location.hash);
  const sample = samples.find(({ id }) => id === link?.picture) ?? samples[0];
  if (!sample) return viewer.nothing();
  comparison.rival = link?.rival ?? 'nothing';
  comparison.difference = link?.difference ?? false;
  stage.split = link?.split ?? 0.5;
  let isKnown = true;
  const choose = (picture: Picture) => {
    const subnet = picture.subnets.find(({ name }) => name === link?.subnet);
    const bytes = link?.bytes ?? (link?.subnet === PREVIEW ? picture.least : undefined);
    const isNamed = subnet !== undefined || (link?.subnet === PREVIEW && picture.least !== undefined);
    isKnown = isNamed || !link?.subnet;
    if (isNamed) adapt.keep('Chosen by the link.');
    if (isNamed && bytes && picture.stream) return cutAt(bytes, picture.subnets);
    return subnet ?? adapt.firstOf(picture);
  };
  await viewer.show(sample.load(), choose, link?.view);
  if (link && link.picture !== sample.id)
    report(new Error(`The link names the picture “${link.picture}”, which is not here.`));
  else if (!isKnown)
    report(new Error(`The link names the network “${link?.subnet}”, which this picture does not have.`));
}

function showSample(sample: Sample): void {
  ui.alert.textContent = '';
  void viewer.show(sample.load(), (picture) => adapt.firstOf(picture));
}

/** Shows the same picture with another choice of subnet. */
function showAgain(choose: (picture: Picture) => Subnet | undefined): void {
  if (!viewer.shown) return;
  ui.alert.textContent = '';
  void viewer.show(viewer.shown.picture, choose);
}

async function openOwn(files: Promise<File[]>): Promise<void> {
  const opened = await files;
  const [first] = opened;
  ui.alert.textContent = '';
  if (first && opened.every(isPhotograph)) return photoHelp.open(first.name);
  const before = viewer.shown?.picture;
  const infoOf = async (file: Uint8Array) => (await engines.decoder.open(file)).info;
  await viewer.show(readOwn(opened, infoOf), (picture) => adapt.firstOf(picture));
  const picture = viewer.shown?.picture;
  if (picture !== before && picture?.length && wholeOf(picture) > picture.length)
    report(endsEarly(picture.length, true));
}

// A function declaration, because files may be opened before the top-level awaits have let execution get here.
function wholeOf({ subnets }: Picture): number {
  return Math.max(...subnets.map(({ bytes }) => bytes));
}

/** Updates all parts of the page that describe what is shown. */
function onShown({ picture, subnet }: Shown): void {
  const size = formatBytes(subnet.bytes);
  ui.invitation.hidden = true;
  ui.neural.ariaLabel = `${picture.title}, drawn by a neural network of ${size}`;
  ui.own.hidden = picture.id !== undefined;
  ui.ownName.textContent = picture.title;
  gallery.mark(picture.id);
  slider.show(picture, subnet.bytes);
  comparison.show(picture, subnet);
  adapt.show(picture, subnet);
  if (engines.offer(picture.stream === undefined)) adapt.forget();
  ui.save.disabled = false;
  ui.copy.disabled = picture.id === undefined;
}

/** Records how fast this device is, and loads what is not needed before there is a picture. */
function onDrawn({ picture, subnet }: Shown, pass: Pass): void {
  device.show(pass);
  engines.show(pass);
  ui.status.textContent = `${picture.title} drawn in ${formatDuration(pass.milliseconds)}`;
  onSettled();
  comparison.drawn();
  if (isWarm) adapt.learn(subnet, pass.millisecondsPerPixel);
  complete(picture).catch(report);
  offline.keep(picture);
}

/** Draws once more to measure the time, as the first passes are slower than later ones. */
async function warmUp(): Promise<void> {
  const subnet = viewer.shown?.subnet;
  const pass = await viewer.measure();
  isWarm = true;
  if (subnet && pass) adapt.learn(subnet, pass.millisecondsPerPixel);
}

/** Loads what the picture is compared with. */
async function complete(picture: Picture): Promise<void> {
  const hadTwins = picture.twins.size > 0;
  await samples.find(({ id }) => id === picture.id)?.complete(picture);
  if (viewer.shown?.picture !== picture) return;
  screens.show(picture);
  if (!hadTwins && picture.twins.size > 0) comparison.show(picture, viewer.shown.subnet);
}

/** Draws with the other engine, and measures its speed anew. */
function changeEngine(): void {
  isWarm = false;
  adapt.forget();
  if (!viewer.shown) return;
  const { picture, subnet } = viewer.shown;
  void viewer.show(picture, () => subnet).then(warmUp);
}

function onView(): void {
  ui.zoom.textContent = `${Number(stage.view.zoom.toPrecision(2))}×`;
  viewer.moved();
}

/** Brings the URL and the map up to date with what is shown. */
function onSettled(): void {
  const { name, encoded } = comparison.curve;
  adapt.compare(name, encoded);
  if (!viewer.shown || viewer.busy) return;
  const { picture, subnet } = viewer.shown;
  const isWhole = picture.subnets.some(({ bytes }) => bytes === subnet.bytes);
  const link =
    picture.id &&
    writeLink({
      picture: picture.id,
      subnet: subnet.name,
      ...(isWhole ? {} : { bytes: subnet.bytes }),
      view: stage.view,
      split: stage.split,
      rival: comparison.rival,
      difference: comparison.difference,
    });
  clearTimeout(writing);
  writing = setTimeout(
    () => history.replaceState(null, '', link ?? location.pathname + location.search),
    IDLE,
  );
}

function wireTools(): void {
  find('notice', HTMLElement).addEventListener('click', ({ currentTarget }) => {
    // The focus would be lost with the button that has it.
    if ((currentTarget as HTMLElement).contains(document.activeElement))
      find('stage', HTMLElement).focus({ preventScroll: true });
    report('');
  });
  addEventListener('keydown', ({ key }) => key === 'Escape' && report(''));
  const presses: Record<string, () => void> = {
    'zoom-in': () => stage.zoomBy(1.5),
    'zoom-out': () => stage.zoomBy(1 / 1.5),
    fit: () => stage.show(WHOLE),
    back: () => samples[0] && showSample(samples[0]),
    'compare-engines': () => viewer.shown?.file && engines.compare(viewer.shown.file).catch(report),
    copy: () => copyText(location.href, ui.copy).catch(report),
    save: () => viewer.shown && saving.open(saveable(viewer.shown)),
  };
  for (const [id, press] of Object.entries(presses))
    find(id, HTMLButtonElement).addEventListener('click', press);
}

function saveable({ picture, subnet, image }: Shown): { image: NeuralImage; stem: string; view: Region } {
  const stem = picture.id ? `${picture.id}-${subnet.name}` : subnet.file.replace(/\.(onnx|anir)$/i, '');
  return { image, stem, view: stage.region() };
}

/** Yields to the browser's event loop, so that starting does not block it for long. */
function yieldToBrowser(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Shows how to open a file, as there is no picture. */
function onNothing(): void {
  ui.invitation.hidden = false;
}

function report(error: unknown): void {
  ui.alert.textContent = error instanceof Error ? error.message : String(error);
}
