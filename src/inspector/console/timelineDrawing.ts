/**
 * The drawing of a timeline on a canvas: a scale, commits as lines, and a lane of bars for each worker and place.
 *
 * Bars that would lie within one pixel are drawn once, so ten thousand bars cost one frame. Boundary: draws;
 * TimelineView.tsx has the pointer and the keys.
 */
import { inkOf, type Palette } from "./colours.ts"
import { span } from "./format.ts"
import { visible } from "./text.ts"
import { type Bar, type Lane, stepOf, type Timeline } from "./timelineModel.ts"

const laneHeight = 22
const axisHeight = 26
/** Pixels before the bars, for the names of lanes. */
export const nameWidth = 78

/** The part of time that is in sight, in milliseconds since the epoch. */
export interface Window {
  readonly from: number
  readonly to: number
}

/** A bar and the place where it was drawn. */
export interface Place {
  readonly bar: Bar
  readonly x: number
  readonly y: number
  readonly w: number
}

/** What all parts of one drawing share. */
interface Sheet {
  readonly pen: CanvasRenderingContext2D
  readonly ink: ReturnType<typeof inkOf>
  readonly palette: Palette
  readonly width: number
  readonly height: number
  readonly shown: Window
  /** The time at which bars of running tasks end. */
  readonly end: number
  readonly hovered: string | undefined
  readonly xOf: (ms: number) => number
}

/** Marks count from the beginning of what is recorded. */
const drawScale = ({ height, ink, pen, shown: { from, to }, width, xOf }: Sheet, begin: number): void => {
  const step = stepOf(to - from, Math.max(2, width / 120))
  for (let after = Math.max(0, Math.ceil((from - begin) / step) * step); begin + after <= to; after += step) {
    const x = xOf(begin + after)
    pen.fillStyle = ink.line
    pen.fillRect(x, axisHeight - 4, 1, height)
    pen.fillStyle = ink.soft
    pen.fillText(after === 0 ? "0" : span(after), x + 3, axisHeight / 2)
  }
}

const drawCommits = ({ height, ink, pen, width, xOf }: Sheet, { commits }: Timeline): void => {
  for (const { at, discarded, from, merge } of commits) {
    const x = xOf(at)
    if (x < nameWidth || x > width) continue
    pen.fillStyle = discarded > 0 ? ink.bad : ink.commit
    pen.fillRect(x, axisHeight, 1, height)
    const start = Math.max(nameWidth, xOf(from))
    pen.fillStyle = ink.cycle
    if (x - start > 2) pen.fillRect(start, axisHeight - 3, x - start - 1, 2)
    const merged = Math.max(nameWidth, xOf(merge))
    pen.fillStyle = ink.accent
    if (x - merged > 1) pen.fillRect(merged, axisHeight - 4, x - merged, 4)
  }
}

/** How much of a bar's colour is seen: of a task that waits, runs, or has no effect, less. */
const opacities = { queued: 0.18, running: 0.8, done: 1, retried: 1, discarded: 0.45, killed: 0.45 } as const

/** A cross over the end of a bar whose task was stopped. */
const drawCross = ({ ink, pen }: Sheet, { w, x, y }: Place): void => {
  const [right, height] = [x + w, laneHeight - 6]
  pen.strokeStyle = ink.bad
  pen.lineWidth = 2
  pen.beginPath()
  pen.moveTo(right - 5, y + 3)
  pen.lineTo(right + 3, y + height - 3)
  pen.moveTo(right + 3, y + 3)
  pen.lineTo(right - 5, y + height - 3)
  pen.stroke()
}

/** Characters of a name that a bar may have room for. */
const nameLength = 80

const nameOf = ({ agent, each }: Bar): string =>
  each === undefined ? visible(agent, nameLength) : `${visible(agent, nameLength)} ${visible(each.id, nameLength)}`

const drawBar = (sheet: Sheet, place: Place): void => {
  const { hovered, ink, palette, pen } = sheet
  const { bar, w, x, y } = place
  const { outcome } = bar
  pen.fillStyle = palette(bar.agent, ink.isDark)
  pen.globalAlpha = opacities[outcome]
  pen.beginPath()
  pen.roundRect(x, y, w, laneHeight - 6, Math.min(3, w / 2))
  pen.fill()
  pen.globalAlpha = 1
  if (bar.discarded !== undefined || outcome === "queued" || bar.key === hovered) {
    pen.strokeStyle = bar.key === hovered ? ink.text : bar.discarded === undefined ? ink.soft : ink.bad
    pen.lineWidth = bar.key === hovered ? 2 : 1.5
    pen.setLineDash(outcome === "queued" ? [4, 3] : [])
    pen.stroke()
    pen.setLineDash([])
  }
  if (bar.attempts > 1) {
    pen.fillStyle = ink.text
    pen.fillRect(x, y + laneHeight - 8, Math.min(w, 6), 2)
  }
  if (outcome === "killed") drawCross(sheet, place)
  if (w <= 46) return
  pen.fillStyle = outcome === "queued" ? ink.text : ink.onBar
  pen.save()
  pen.beginPath()
  pen.rect(x, y, w - 4, laneHeight)
  pen.clip()
  pen.fillText(nameOf(bar), x + 5, y + (laneHeight - 6) / 2)
  pen.restore()
}

const drawLane = (sheet: Sheet, { bars, name }: Lane, y: number): ReadonlyArray<Place> => {
  const { end, ink, pen, shown, width, xOf } = sheet
  const places: Array<Place> = []
  let drawnTo = -1
  for (const bar of bars) {
    if (bar.from > shown.to) break
    const x = Math.max(nameWidth, xOf(bar.from))
    const right = Math.min(width, xOf(bar.to ?? end))
    if (right < nameWidth || (bar.to ?? end) < shown.from) continue
    // Bars within one pixel of the one before would only be drawn over it.
    if (right < drawnTo + 0.5 && bar.discarded === undefined) continue
    drawnTo = right
    const place = { bar, x, y, w: Math.max(1.5, right - x) }
    drawBar(sheet, place)
    places.push(place)
  }
  pen.fillStyle = ink.back
  pen.fillRect(0, y - 3, nameWidth - 4, laneHeight)
  pen.fillStyle = ink.soft
  pen.fillText(name, 4, y + (laneHeight - 6) / 2)
  return places
}

/** The cycle that the page shows: its commit is a strong line, and a veil lies over what came later. */
const drawMark = ({ height, ink, pen, width, xOf }: Sheet, { at, label }: MarkedCycle): void => {
  const x = Math.min(Math.max(xOf(at), nameWidth), width)
  pen.globalAlpha = 0.72
  pen.fillStyle = ink.back
  pen.fillRect(x, axisHeight, width - x, height)
  pen.globalAlpha = 1
  if (xOf(at) < nameWidth || xOf(at) > width) return
  pen.fillStyle = ink.accent
  pen.fillRect(x - 1, 0, 2, height)
  const room = pen.measureText(label).width + 10
  const left = x + room > width ? x - room : x
  pen.fillRect(left, 0, room, 16)
  pen.fillStyle = ink.back
  pen.fillText(label, left + 5, 9)
}

/** The cycle that the page shows, and the time of its commit. */
export interface MarkedCycle {
  readonly at: number
  readonly label: string
}

interface Options {
  readonly shown: Window
  readonly hovered: string | undefined
  readonly end: number
  readonly mark: MarkedCycle | undefined
  readonly palette: Palette
}

/** Draws a timeline. Returns the places of its bars. */
export const draw = (
  canvas: HTMLCanvasElement,
  timeline: Timeline,
  { end, hovered, mark, palette, shown }: Options
): ReadonlyArray<Place> => {
  const pen = canvas.getContext("2d")
  if (pen === null) return []
  const width = canvas.clientWidth
  const height = axisHeight + Math.max(1, timeline.lanes.length) * laneHeight + 6
  canvas.style.height = `${height}px`
  canvas.width = width * devicePixelRatio
  canvas.height = height * devicePixelRatio
  pen.scale(devicePixelRatio, devicePixelRatio)
  pen.font = "11px system-ui, sans-serif"
  pen.textBaseline = "middle"
  const scale = (width - nameWidth) / (shown.to - shown.from)
  const xOf = (ms: number): number => nameWidth + (ms - shown.from) * scale
  const sheet: Sheet = { pen, ink: inkOf(canvas), palette, width, height, shown, end, hovered, xOf }
  drawScale(sheet, timeline.from)
  drawCommits(sheet, timeline)
  const places = timeline.lanes.flatMap((lane, index) => drawLane(sheet, lane, axisHeight + index * laneHeight + 3))
  if (mark !== undefined) drawMark(sheet, mark)
  return places
}

/** The bar at a place. */
export const placeAt = (places: ReadonlyArray<Place>, x: number, y: number): Place | undefined =>
  places.find((it) => x >= it.x - 1 && x <= it.x + it.w + 1 && y >= it.y && y <= it.y + laneHeight - 6)
