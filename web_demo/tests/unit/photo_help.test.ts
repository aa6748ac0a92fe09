import { expect, test } from 'vitest';
import { commandsFor, isPhotograph } from '../../src/photo_help.ts';

test.each([
  ['holiday.jpg', '', true],
  ['HOLIDAY.HEIC', '', true],
  ['picture', 'image/png', true],
  ['mine.anir', '', false],
  ['mine.onnx', 'application/octet-stream', false],
])('%s (%s) is a photograph: %s', (name, type, expected) => {
  expect(isPhotograph({ name, type })).toBe(expected);
});

test.each([
  ['holiday.jpg', 'anir-train holiday.jpg -o holiday.pt\nanir-export holiday.pt -o holiday.anir'],
  ['my cat.png', "anir-train 'my cat.png' -o 'my cat.pt'\nanir-export 'my cat.pt' -o 'my cat.anir'"],
  ['.png', 'anir-train .png -o .png.pt\nanir-export .png.pt -o .png.anir'],
])('the commands for %s', (name, expected) => {
  expect(commandsFor(name)).toBe(expected);
});

test('a name cannot become a command or an option', () => {
  expect(commandsFor("a'; rm x.jpg")).toContain(`anir-train 'a'\\''; rm x.jpg' -o`);
  expect(commandsFor('$(x).jpg')).toContain("'$(x).jpg'");
  expect(commandsFor('--help.jpg')).toContain('anir-train ./--help.jpg');
});
