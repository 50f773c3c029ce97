/**
 * The signs on the map, drawn here: no base map has to bring letters or pictures for them, and each
 * name is written as the browser writes it, in any script.
 */

import { compact } from "../languages/formats.ts";
import { signs, type Palette } from "./style.ts";

const fontPx = 14;
const linePx = 17;
const haloPx = 2;
const longestLine = 20;
const mostLines = 3;
/** The drop and the door of the mark, 32 units wide and high. */
const drop = "M16 1C9 1 4 6.2 4 12.7 4 21 16 31 16 31s12-10 12-18.3C28 6.2 23 1 16 1z";
const door = "M11 20v-7.5a5 5 0 0 1 10 0V20h-3.3v-7a1.7 1.7 0 0 0-3.4 0v7z";
const dropPx = 40;

/** Draw the sign of a name in the style, at so many dots for each pixel; null if it is none of ours. */
export function drawSign(id: string, palette: Palette, dots: number): ImageData | null {
  if (id === signs.place) {
    return drawPlace(palette, dots);
  }
  if (id.startsWith(signs.count)) {
    return drawCount(Number(id.slice(signs.count.length)), palette, dots);
  }
  if (id.startsWith(signs.name)) {
    return drawName(id.slice(signs.name.length), palette, dots);
  }
  if (id.startsWith(signs.mark)) {
    const [weight, standing, count] = id
      .slice(signs.mark.length + 1)
      .split(":")
      .map(Number);
    return drawMark(markOf(weight, count), standing, weight, palette, dots);
  }
  return null;
}

/** Say in signs how weighty something is and, where it is several, how many they are. */
export function markOf(weight = 0, count = 1): string {
  const weighty = weight > 2 ? "!!" : weight > 1 ? "!" : "";
  return (count > 1 ? `${compact(count)} ${weighty}` : weighty || "•").trim();
}

/** Break a name into lines at its spaces; what is too long for three ends in dots. */
export function linesOf(name: string): string[] {
  const lines: string[] = [];
  for (const word of name.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < longestLine) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  const kept = lines.slice(0, mostLines);
  return kept.map((line, index) =>
    index === mostLines - 1 && lines.length > mostLines ? `${line} …` : line,
  );
}

function drawPlace(palette: Palette, dots: number): ImageData {
  const pen = canvas(dropPx, dropPx, dots);
  pen.scale(dropPx / 32, dropPx / 32);
  pen.lineWidth = 1.5;
  pen.strokeStyle = palette.ground;
  pen.fillStyle = palette.action;
  pen.fill(new Path2D(drop));
  pen.stroke(new Path2D(drop));
  pen.fillStyle = palette.onAction;
  pen.fill(new Path2D(door));
  return content(pen);
}

function drawCount(count: number, palette: Palette, dots: number): ImageData {
  const said = compact(count);
  const side = 34 + 6 * (said.length - 1);
  const pen = canvas(side, side, dots);
  pen.beginPath();
  pen.arc(side / 2, side / 2, side / 2 - 2, 0, 2 * Math.PI);
  pen.fillStyle = palette.action;
  pen.fill();
  pen.lineWidth = 2;
  pen.strokeStyle = palette.ground;
  pen.stroke();
  pen.font = `700 ${fontPx}px ${fontFamily()}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = palette.onAction;
  pen.fillText(said, side / 2, side / 2 + 1);
  return content(pen);
}

/** Whose it is shows by the box: filled, filled with a ring round it, or empty. */
function drawMark(
  said: string,
  standing: number | undefined,
  weight: number | undefined,
  palette: Palette,
  dots: number,
): ImageData {
  const [high, wide] = [30, 22 + 9 * said.length];
  const edge = 5;
  const pen = canvas(wide + 2 * edge, high + 2 * edge, dots);
  const box = (outset: number): void => {
    pen.beginPath();
    pen.roundRect(edge - outset, edge - outset, wide + 2 * outset, high + 2 * outset, 8 + outset);
  };
  const colour = (weight ?? 0) > 2 ? palette.bad : palette.action;
  const isFree = standing !== 0;
  pen.lineWidth = 2;
  if (standing === 2) {
    box(4);
    pen.fillStyle = palette.ground;
    pen.fill();
    pen.strokeStyle = colour;
    pen.stroke();
  }
  box(0);
  pen.fillStyle = isFree ? colour : palette.ground;
  pen.fill();
  pen.strokeStyle = isFree ? palette.ground : colour;
  pen.stroke();
  pen.font = `700 ${fontPx}px ${fontFamily()}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = isFree ? palette.onAction : colour;
  pen.fillText(said, edge + wide / 2, edge + high / 2 + 1);
  return content(pen);
}

function drawName(name: string, palette: Palette, dots: number): ImageData {
  const font = `600 ${fontPx}px ${fontFamily()}`;
  const lines = linesOf(name);
  const ruler = canvas(1, 1, 1);
  ruler.font = font;
  const widest = Math.max(...lines.map((line) => ruler.measureText(line).width));
  const width = Math.ceil(widest) + 2 * haloPx;
  const pen = canvas(width, lines.length * linePx + 2 * haloPx, dots);
  pen.font = font;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  pen.lineJoin = "round";
  pen.lineWidth = 2 * haloPx;
  pen.strokeStyle = palette.ground;
  pen.fillStyle = palette.ink;
  lines.forEach((line, index) => {
    const top = haloPx + index * linePx + 1;
    pen.strokeText(line, width / 2, top);
    pen.fillText(line, width / 2, top);
  });
  return content(pen);
}

function canvas(width: number, height: number, dots: number): CanvasRenderingContext2D {
  const element = document.createElement("canvas");
  element.width = Math.ceil(width * dots);
  element.height = Math.ceil(height * dots);
  const pen = element.getContext("2d", { willReadFrequently: true });
  if (!pen) {
    throw new Error("This browser draws no pictures.");
  }
  pen.scale(dots, dots);
  return pen;
}

function content(pen: CanvasRenderingContext2D): ImageData {
  return pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height);
}

function fontFamily(): string {
  return getComputedStyle(document.body).fontFamily;
}
