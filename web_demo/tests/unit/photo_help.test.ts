import { expect, test } from 'vitest';
import { commandFor, isPhotograph, isUnreadable } from '../../src/photo_help.ts';

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
  ['holiday.jpg', 'anir-train holiday.jpg -o holiday.anir'],
  ['my cat.png', "anir-train 'my cat.png' -o 'my cat.anir'"],
  ['.png', 'anir-train .png -o .png.anir'],
])('the command for %s is quoted', (name, expected) => {
  expect(commandFor(name)).toBe(expected);
});

test.each(['pic.heic', 'drawing.SVG'])('%s has to be saved as another kind first', (name) => {
  expect(isUnreadable(name)).toBe(true);
  expect(isUnreadable(`${name}.jpg`)).toBe(false);
});

test('a name cannot become a command or an option', () => {
  expect(commandFor("a'; rm x.jpg")).toContain(`anir-train 'a'\\''; rm x.jpg' -o`);
  expect(commandFor('$(x).jpg')).toContain("'$(x).jpg'");
  expect(commandFor('--help.jpg')).toContain('anir-train ./--help.jpg');
});
