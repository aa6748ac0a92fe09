/** Wires the page: what the visitor does on one side, the decoder and the stage on the other. */
import { Decoder, ModelError, type NeuralImage } from '../neural-img/src/index.ts';
import { formatBytes, formatDuration, formatQuality, formatRate, formatSpeed } from './format.ts';
import { loadSamples, paretoFront, type Sample, type Subnet } from './samples.ts';
import { Stage } from './stage.ts';
import { SubnetGrid } from './subnet_grid.ts';

/** A picture to show: one subnet of a sample, or the visitor's own file. */
interface Picture {
  title: string;
  /** What a saved PNG is called. */
  stem: string;
  load(signal: AbortSignal): Promise<Uint8Array>;
  sample?: Sample;
  subnet?: Subnet;
}

interface View {
  picture: Picture;
  image: NeuralImage;
}

// A canvas with more pixels stays blank on phones, without a word.
const MAX_PIXELS = 16.7e6;

const ui = {
  headline: find('headline', HTMLElement),
  stage: find('stage', HTMLElement),
  canvas: find('canvas', HTMLCanvasElement),
  size: find('fact-size', HTMLElement),
  rate: find('fact-rate', HTMLElement),
  quality: find('fact-quality', HTMLElement),
  pixels: find('fact-pixels', HTMLElement),
  time: find('fact-time', HTMLElement),
  speed: find('fact-speed', HTMLElement),
  compare: find('compare', HTMLButtonElement),
  again: find('again', HTMLButtonElement),
  save: find('save', HTMLButtonElement),
  open: find('open', HTMLButtonElement),
  file: find('file', HTMLInputElement),
  alert: find('alert', HTMLElement),
  status: find('status', HTMLElement),
  samples: find('samples', HTMLElement),
  thumbs: find('thumbs', HTMLElement),
  subnets: find('subnets', HTMLElement),
  drop: find('drop', HTMLElement),
};

const decoder = new Decoder(new URL('ort/', document.baseURI));
const stage = new Stage(
  ui.canvas,
  find('original', HTMLImageElement),
  find('badge', HTMLElement),
  find('progress', HTMLElement),
  find('waiting', HTMLElement),
);
const grid = new SubnetGrid(find('grid', HTMLElement), (subnet) => {
  if (sample) void show(pictureOf(sample, subnet));
});

/** The sample whose subnets the table lists. */
let sample: Sample | undefined;
let shown: View | undefined;
/** Ends when something newer is to be shown: the latest choice wins. */
let turn = new AbortController();

wireTools();
wireDrop();
await start();

async function start(): Promise<void> {
  try {
    const samples = await loadSamples(new URL('samples/', document.baseURI));
    ui.thumbs.append(...samples.map(thumbnailOf));
    ui.samples.querySelector('input')?.click();
    if (samples.length === 0) showNoSamples();
  } catch (error) {
    showNoSamples();
    report(new Error(`The samples cannot be shown: ${error instanceof Error ? error.message : error}`));
  }
}

function showNoSamples(): void {
  ui.samples.hidden = ui.subnets.hidden = true;
  stage.invite();
  ui.stage.ariaBusy = 'false';
}

async function show(picture: Picture): Promise<void> {
  turn.abort();
  turn = new AbortController();
  const { signal } = turn;
  const before = shown;
  ui.stage.ariaBusy = 'true';
  ui.alert.textContent = '';
  try {
    const image = await decoder.open(await picture.load(signal));
    signal.throwIfAborted();
    refuseTooLarge(image);
    await draw({ picture, image }, signal);
  } catch (error) {
    if (signal.aborted) return;
    report(error);
    if (before) await draw(before, signal).catch(report);
    else stage.invite();
  }
  if (!signal.aborted) ui.stage.ariaBusy = 'false';
}

async function draw(view: View, signal: AbortSignal): Promise<void> {
  shown = view;
  describe(view);
  const milliseconds = await stage.draw(view.image, signal);
  const { width, height } = view.image.info;
  ui.time.textContent = formatDuration(milliseconds);
  ui.speed.textContent = formatSpeed((width * height) / milliseconds);
  ui.status.textContent = `${view.picture.title} decoded in ${formatDuration(milliseconds)}`;
}

function describe({ picture, image }: View): void {
  const { width, height } = image.info;
  const size = formatBytes(image.bytes);
  const strong = document.createElement('strong');
  strong.textContent = size;
  ui.headline.replaceChildren('This picture is a neural network of ', strong, '.');
  ui.canvas.ariaLabel = `${picture.title}, ${width} by ${height} pixels, decoded from ${size}`;
  ui.size.textContent = size;
  ui.rate.textContent = formatRate((image.bytes * 8) / (width * height));
  ui.quality.textContent = picture.subnet ? formatQuality(picture.subnet.psnr) : '–';
  ui.pixels.textContent = `${width} × ${height}`;
  ui.time.textContent = ui.speed.textContent = '…';
  if (picture.sample && picture.sample !== sample) {
    sample = picture.sample;
    grid.show(sample.subnets);
  }
  grid.select(picture.subnet?.name);
  for (const radio of ui.samples.querySelectorAll('input'))
    radio.checked = radio.value === picture.sample?.name;
  stage.setOriginal(picture.sample?.source.url);
  ui.compare.ariaPressed = 'false';
  ui.compare.disabled = !picture.sample;
  ui.again.disabled = ui.save.disabled = false;
}

function report(error: unknown): void {
  ui.alert.textContent = error instanceof Error ? error.message : String(error);
}

function refuseTooLarge({ info: { width, height } }: NeuralImage): void {
  if (width * height <= MAX_PIXELS) return;
  throw new ModelError(
    `This picture has ${width} × ${height} pixels, more than a browser can be trusted to draw.`,
  );
}

function pictureOf(from: Sample, subnet: Subnet): Picture {
  return {
    title: from.title,
    stem: `${from.name}-${subnet.name}`,
    load: (signal) => fetchBytes(subnet.url, signal),
    sample: from,
    subnet,
  };
}

async function fetchBytes(url: string, signal: AbortSignal): Promise<Uint8Array> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}

function showFile(file: File): void {
  void show({
    title: file.name,
    stem: file.name.replace(/\.onnx$/i, ''),
    load: async () => new Uint8Array(await file.arrayBuffer()),
  });
}

/** Shows a sample at the size that was chosen before, else at a good one. */
function showSample(chosen: Sample): void {
  const name = shown?.picture.subnet?.name;
  const front = [...paretoFront(chosen.subnets)].sort((a, b) => a.bytes - b.bytes);
  const subnet =
    chosen.subnets.find((candidate) => candidate.name === name) ?? front[Math.floor(front.length / 2)];
  if (subnet) void show(pictureOf(chosen, subnet));
}

function thumbnailOf(chosen: Sample): HTMLElement {
  const label = document.createElement('label');
  const radio = document.createElement('input');
  const image = document.createElement('img');
  Object.assign(radio, { type: 'radio', name: 'sample', value: chosen.name });
  Object.assign(image, { src: chosen.source.url, alt: '', width: 96, height: 64, draggable: false });
  radio.addEventListener('change', () => showSample(chosen));
  label.append(radio, image, chosen.title);
  return label;
}

function wireTools(): void {
  ui.compare.addEventListener('click', () => {
    const pressed = ui.compare.ariaPressed !== 'true';
    ui.compare.ariaPressed = String(pressed);
    stage.compare(pressed);
  });
  // Pressing the picture shows the original for as long as it is pressed.
  ui.stage.addEventListener('pointerdown', () => stage.compare(!ui.compare.disabled));
  for (const end of ['pointerup', 'pointerleave', 'pointercancel']) {
    ui.stage.addEventListener(end, () => stage.compare(ui.compare.ariaPressed === 'true'));
  }
  ui.again.addEventListener('click', () => {
    if (shown) void show(shown.picture);
  });
  ui.save.addEventListener('click', () => save().catch(report));
  ui.open.addEventListener('click', () => ui.file.click());
  ui.file.addEventListener('change', () => {
    const file = ui.file.files?.[0];
    if (file) showFile(file);
    // So that choosing the same file again is a change, too.
    ui.file.value = '';
  });
}

async function save(): Promise<void> {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await stage.toPng());
  link.download = `${shown?.picture.stem}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The whole page takes a dropped file; `dragenter` and `dragleave` come for every element on the way. */
function wireDrop(): void {
  let depth = 0;
  const enter = (change: number) => {
    depth = change === 0 ? 0 : depth + change;
    ui.drop.hidden = depth === 0;
  };
  addEventListener('dragenter', () => enter(1));
  addEventListener('dragleave', () => enter(-1));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    enter(0);
    const file = event.dataTransfer?.files[0];
    if (file) showFile(file);
  });
}

function find<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${type.name} “${id}”.`);
}
