/**
 * The module graph as an SVG picture.
 *
 * Drawn complete on the server side: the picture is there without a script, which only adds panning, search and
 * highlighting. Colours are CSS variables of the page.
 *
 * Boundary: pure text.
 */
import { visible } from "./visible.ts"
import type { FolderBox, Layout, ModuleBox, Point, Route } from "./layout.ts"

/** The figures that a module's chip shows besides its name. */
export interface Marks {
  /** How hot it is, 0 to 1: the share of the most imported module's fan-in. */
  readonly heat: number
  readonly severity: "error" | "warning" | "note" | undefined
  readonly inCycle: boolean
  readonly title: string
}

const round = (value: number): string => String(Math.round(value * 10) / 10)

/** A text as HTML shows it, its control characters as escapes. */
export const escapeHtml = (text: string): string =>
  visible(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

/** The least extent of a picture, so that a handful of modules does not fill the screen. */
const smallest = { width: 1000, height: 300 }

/** The width of a picture over its height. */
export const aspectRatio = ({ width, height }: Layout): number =>
  Math.max(width, smallest.width) / Math.max(height, smallest.height)

/** The picture. `edges` are all imports between modules, by index in `layout.modules`. */
export const draw = (
  layout: Layout,
  edges: ReadonlyArray<readonly [number, number]>,
  marks: (path: string) => Marks
): string => {
  // Small graphs are not blown up beyond one and a half times their size.
  const width = Math.max(layout.width, smallest.width)
  const height = Math.max(layout.height, smallest.height)
  const offset = `translate(${round((width - layout.width) / 2)} ${round((height - layout.height) / 2)})`
  const faint = layout.manner === "folders" ? `<g class="threads">${threads(layout.modules, edges)}</g>` : ""
  return (
    `<svg class="graph ${layout.manner}" viewBox="0 0 ${round(width)} ${round(height)}" role="img" ` +
    `aria-label="The module graph: ${layout.modules.length} modules, ${edges.length} imports">` +
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">` +
    `<path d="M0 1L7 4L0 7Z"/></marker></defs><g class="scene"><g transform="${offset}">` +
    `<g class="folders">${layout.folders.map(folder).join("")}</g>${faint}` +
    `<g class="routes">${layout.routes.map((route) => line(route, layout.manner)).join("")}</g><g class="lit"></g>` +
    `<g class="modules">${layout.modules.map((box, index) => chip(box, index, marks(box.path))).join("")}</g></g></g></svg>`
  )
}

const folder = ({ folder: name, count, x, y, width, height }: FolderBox, group: number): string =>
  `<g style="--hue:${hue(group)}"><rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="9"/>` +
  `<text x="${round(x + 10)}" y="${round(y + 17)}">${escapeHtml(name === "." ? "/" : name)}` +
  `<tspan dx="6">${count}</tspan></text></g>`

/** Hues that stay apart however many there are: steps of the golden angle. */
export const hue = (group: number): number => Math.round((212 + group * 137.508) % 360)

const chip = (box: ModuleBox, index: number, { heat, severity, inCycle, title }: Marks): string => {
  const { x, y, width, height } = box
  const classes = ["module", ...(severity === undefined ? [] : [severity]), ...(inCycle ? ["cyclic"] : [])].join(" ")
  return (
    `<g class="${classes}" data-i="${index}" tabindex="0" style="--hue:${hue(box.group)};--heat:${round(heat * 100)}%">` +
    `<title>${title.split("\n").map(escapeHtml).join("\n")}</title>` +
    `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="5"/>` +
    `<text x="${round(x + width / 2)}" y="${round(y + height / 2 + 3.8)}">${escapeHtml(box.label)}</text>` +
    (severity === "error" || severity === "warning"
      ? `<circle cx="${round(x + width - 1)}" cy="${round(y + 1)}" r="3.4"/>`
      : "") +
    `</g>`
  )
}

/** Every import as a thread, faint: together they show where the package is dense. */
const threads = (boxes: ReadonlyArray<ModuleBox>, edges: ReadonlyArray<readonly [number, number]>): string =>
  edges
    .map(([from, to]) => {
      const [a, b] = [boxes[from], boxes[to]]
      return a === undefined || b === undefined
        ? ""
        : `<path style="--hue:${hue(a.group)}" d="${thread(centre(a), centre(b))}"/>`
    })
    .join("")

const centre = ({ x, y, width, height }: ModuleBox): Point => ({ x: x + width / 2, y: y + height / 2 })

const thread = (a: Point, b: Point): string => {
  const bend = (b.x - a.x) / 2
  return `M${round(a.x)} ${round(a.y)}C${round(a.x + bend)} ${round(a.y)} ${round(b.x - bend)} ${round(b.y)} ${round(b.x)} ${round(b.y)}`
}

/** ELK's splines come as a start, then triples of control points. */
const line = ({ count, points }: Route, manner: Layout["manner"]): string => {
  const [first, ...rest] = points
  if (first === undefined) return ""
  const path =
    rest.length % 3 === 0
      ? `M${at(first)}` +
        Array.from(
          { length: rest.length / 3 },
          (_, i) =>
            `C${rest
              .slice(i * 3, i * 3 + 3)
              .map(at)
              .join(" ")}`
        ).join("")
      : `M${points.map(at).join("L")}`
  const width = manner === "folders" ? Math.min(7, 0.8 + Math.sqrt(count) * 0.55) : 1
  return (
    `<path style="stroke-width:${round(width)}" d="${path}"${manner === "modules" ? ' marker-end="url(#tip)"' : ""}>` +
    `<title>${count === 1 ? "1 import" : `${count} imports`}</title></path>`
  )
}

const at = ({ x, y }: Point): string => `${round(x)} ${round(y)}`
