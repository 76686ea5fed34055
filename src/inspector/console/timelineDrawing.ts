/**
 * The drawing of a timeline on a canvas: a scale, commits as lines, and a lane of bars for each worker and place. Only the lanes
 * that are in sight are drawn, so a picture of ten thousand lanes is as cheap as one of twenty.
 *
 * A bar has a least width, so that a short task can be seen and chosen. Bars that would lie within one pixel are drawn once, so
 * ten thousand bars cost one frame; tasks without an effect are drawn above the others. Boundary: draws; TimelineView.tsx has
 * the pointer and the keys.
 */
import { inkOf, type Palette } from "./colours.ts"
import { span } from "./format.ts"
import { visible } from "./text.ts"
import { type Bar, isFailure, type Lane, stepOf, type Timeline } from "./timelineModel.ts"
import { type Rest, restLabels } from "./timelineRests.ts"
import type { Scale } from "./timelineScale.ts"

const laneHeight = 22
const axisHeight = 26
/** Pixels before the bars, for the names of lanes, in a picture of this width. */
export const nameWidthOf = (width: number): number => (width < 600 ? 84 : 136)

/** Pixels that all lanes take, with the scale. */
export const heightOf = ({ lanes }: Timeline): number => axisHeight + Math.max(1, lanes.length) * laneHeight + 6

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
  /** The number of bars that lie within the same pixels, and are not drawn. */
  readonly hidden: number
}

/** A rest and the place where it was drawn. */
export interface RestPlace {
  readonly rest: Rest
  readonly x: number
  readonly w: number
  /** The number of rests that lie within the same pixels, and are not drawn. */
  readonly hidden: number
}

/** The values that all parts of one drawing share. */
interface Sheet {
  readonly pen: CanvasRenderingContext2D
  readonly ink: ReturnType<typeof inkOf>
  readonly palette: Palette
  readonly width: number
  readonly nameWidth: number
  readonly height: number
  readonly shown: Window
  /** The time at which bars of running tasks end. */
  readonly end: number
  readonly hovered: string | undefined
  readonly scale: Scale
  readonly xOf: (ms: number) => number
}

/** Marks count from the beginning of what is recorded, and after a shortened rest from its end. */
const drawScale = (sheet: Sheet, begin: number): void => {
  const { scale, shown, width } = sheet
  // A part between two rests has room for few marks.
  const [least, room] = scale.folds.length === 0 ? [2, 120] : [4, 90]
  const step = stepOf(scale.placeOf(shown.to) - scale.placeOf(shown.from), Math.max(least, width / room))
  let origin = begin
  for (const { from, to } of scale.folds) {
    drawMarks(sheet, { origin, end: from, step, sign: origin === begin ? "" : "+" })
    origin = to
  }
  drawMarks(sheet, { origin, end: Infinity, step, sign: origin === begin ? "" : "+" })
}

interface Marks {
  readonly origin: number
  readonly end: number
  readonly step: number
  readonly sign: string
}

/** The marks of a part of the scale. The beginning of a part after a rest has none: there stands the rest. */
const drawMarks = ({ height, ink, pen, shown, width, xOf }: Sheet, { end, origin, sign, step }: Marks): void => {
  const [from, to] = [Math.max(shown.from, origin), Math.min(shown.to, end)]
  const room = end === Infinity ? width : Math.min(width, xOf(end))
  for (let after = Math.ceil((from - origin) / step) * step; origin + after <= to; after += step) {
    if (after === 0 && sign !== "") continue
    const x = xOf(origin + after)
    pen.fillStyle = ink.line
    pen.fillRect(x, axisHeight - 4, 1, height)
    const text = after === 0 ? "0" : `${sign}${span(after)}`
    pen.fillStyle = ink.soft
    if (x + 3 + pen.measureText(text).width < room) pen.fillText(text, x + 3, axisHeight / 2)
  }
}

/** Pixels between the lines across a rest. */
const hatch = 7

/** The least width of a rest, in pixels. */
const leastRest = 2

/** The rests that are in sight, from the left. Of rests within the same pixels, one has a place. */
const restPlaces = (
  { end, hovered, nameWidth, shown, width, xOf }: Sheet,
  rests: ReadonlyArray<Rest>
): ReadonlyArray<RestPlace> => {
  const places: Array<RestPlace> = []
  for (const rest of rests) {
    const to = rest.to ?? end
    if (rest.from > shown.to) break
    if (to < shown.from) continue
    const x = Math.max(nameWidth, xOf(rest.from))
    const w = Math.max(leastRest, Math.min(width, xOf(to)) - x)
    const last = places.at(-1)
    if (last !== undefined && x + w < last.x + last.w + 0.5) {
      places[places.length - 1] = { ...last, rest: rest.key === hovered ? rest : last.rest, hidden: last.hidden + 1 }
    } else places.push({ rest, x, w, hidden: 0 })
  }
  return places
}

/** A pale band with lines across it, over all lanes, and how long the rest took where there is room. */
const drawRest = (sheet: Sheet, { rest, w, x }: RestPlace): void => {
  const { height, hovered, ink, pen } = sheet
  const isHovered = rest.key === hovered
  pen.save()
  pen.beginPath()
  pen.rect(x, 0, w, height)
  pen.clip()
  pen.fillStyle = ink.soft
  pen.globalAlpha = isHovered ? 0.24 : 0.12
  pen.fillRect(x, 0, w, height)
  if (w > hatch) {
    pen.strokeStyle = ink.soft
    pen.globalAlpha = isHovered ? 0.6 : 0.35
    pen.lineWidth = 1
    pen.beginPath()
    for (let at = x - height; at < x + w; at += hatch) {
      pen.moveTo(at, height)
      pen.lineTo(at + height, 0)
    }
    pen.stroke()
  }
  pen.globalAlpha = 1
  drawRestLabel(sheet, { rest, x, w, hidden: 0 })
  pen.restore()
}

/** The label lies in the scale. In a narrow band it goes up along the lanes. */
const drawRestLabel = ({ end, height, ink, pen }: Sheet, { rest, w, x }: RestPlace): void => {
  const labels = restLabels(rest, end)
  const fits = (text: string, length: number): boolean => pen.measureText(text).width + 8 <= length
  const isUpright = !labels.some((text) => fits(text, w))
  const length = isUpright ? height - axisHeight : w
  const text = labels.find((words) => fits(words, length))
  if (text === undefined || (isUpright && w < 15)) return
  const room = pen.measureText(text).width + 6
  pen.translate(x + w / 2, isUpright ? axisHeight + (height - axisHeight) / 2 : axisHeight / 2)
  if (isUpright) pen.rotate(-Math.PI / 2)
  pen.fillStyle = ink.back
  pen.fillRect(-room / 2, -7, room, 14)
  pen.fillStyle = ink.text
  pen.fillText(text, 3 - room / 2, 0)
}

const drawCommits = ({ height, ink, nameWidth, pen, width, xOf }: Sheet, { commits }: Timeline): void => {
  let marked = -Infinity
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
    // The commits of a fast job lie closer than their marks are wide.
    if (x - marked < 12) continue
    marked = x
    pen.beginPath()
    pen.moveTo(x - 5, axisHeight - 2)
    pen.lineTo(x, axisHeight - 7)
    pen.lineTo(x + 5, axisHeight - 2)
    pen.lineTo(x, axisHeight + 3)
    pen.fill()
  }
}

/** The least width of a bar, in pixels, and that of one whose task had no effect. */
const leastWidth = 3
const leastFailure = 5

/** How much of a bar's colour is seen: of a task that waits, runs, or has no effect, less. */
const opacities = { queued: 0.18, running: 0.75, done: 1, retried: 1, discarded: 0.3, killed: 0.3 } as const

/** Stripes across a bar whose task had no effect. */
const drawStripes = ({ ink, pen }: Sheet, { w, x, y }: Place): void => {
  const height = laneHeight - 6
  pen.save()
  pen.clip()
  pen.strokeStyle = ink.bad
  pen.lineWidth = 1
  pen.beginPath()
  for (let at = x - height; at < x + w; at += 6) {
    pen.moveTo(at, y + height)
    pen.lineTo(at + height, y)
  }
  pen.stroke()
  pen.restore()
}

/** A triangle above a bar that is too narrow for stripes, so that it is found. */
const drawFlag = ({ ink, pen }: Sheet, { w, x, y }: Place): void => {
  const middle = x + w / 2
  pen.fillStyle = ink.bad
  pen.beginPath()
  pen.moveTo(middle - 4, y - 3)
  pen.lineTo(middle + 4, y - 3)
  pen.lineTo(middle, y + 3)
  pen.fill()
}

/** The end of a bar that still grows: an arrow. */
const drawTip = ({ ink, pen }: Sheet, { w, x, y }: Place): void => {
  const [right, middle] = [x + w, y + (laneHeight - 6) / 2]
  pen.fillStyle = ink.text
  pen.beginPath()
  pen.moveTo(right - 1, middle - 5)
  pen.lineTo(right + 5, middle)
  pen.lineTo(right - 1, middle + 5)
  pen.fill()
}

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

/** The line around a bar, which tells its sort without its colour. */
const drawOutline = ({ hovered, ink, pen }: Sheet, { bar }: Place): void => {
  const isHovered = bar.key === hovered
  if (!isHovered && !isFailure(bar) && bar.outcome !== "queued") return
  pen.strokeStyle = isHovered ? ink.text : isFailure(bar) ? ink.bad : ink.soft
  pen.lineWidth = isHovered ? 2 : 1.5
  pen.setLineDash(bar.outcome === "queued" ? [4, 3] : [])
  pen.stroke()
  pen.setLineDash([])
}

const drawBar = (sheet: Sheet, place: Place): void => {
  const { ink, palette, pen } = sheet
  const { bar, w, x, y } = place
  const { outcome } = bar
  pen.fillStyle = isFailure(bar) && w <= leastFailure ? ink.bad : palette(bar.agent, ink.isDark)
  pen.globalAlpha = w <= leastFailure ? 1 : opacities[outcome]
  pen.beginPath()
  pen.roundRect(x, y, w, laneHeight - 6, Math.min(3, w / 2))
  pen.fill()
  pen.globalAlpha = 1
  drawOutline(sheet, place)
  if (isFailure(bar) && w > 10) drawStripes(sheet, place)
  if (outcome === "retried") {
    // A notch for the attempt before.
    pen.fillStyle = ink.text
    pen.fillRect(x, y + laneHeight - 9, Math.max(leastWidth, Math.min(w, 12)), 3)
  }
  if (bar.begins.length > 0) drawAttempts(sheet, place)
  if (outcome === "running") drawTip(sheet, place)
  if (outcome === "killed") drawCross(sheet, place)
  else if (outcome === "discarded" && w <= 10) drawFlag(sheet, place)
  if (w > 46) drawName(sheet, place)
}

const drawName = ({ ink, pen }: Sheet, { bar, w, x, y }: Place): void => {
  const isOnPage = bar.outcome === "queued" || isFailure(bar)
  const middle = y + (laneHeight - 6) / 2
  pen.save()
  pen.beginPath()
  pen.rect(x, y, w - 4, laneHeight)
  pen.clip()
  if (isFailure(bar)) {
    // The stripes would cross the letters.
    pen.fillStyle = ink.back
    pen.globalAlpha = 0.8
    pen.fillRect(x + 3, y + 1, pen.measureText(nameOf(bar)).width + 4, laneHeight - 8)
    pen.globalAlpha = 1
  }
  pen.fillStyle = isOnPage ? ink.text : ink.onBar
  pen.fillText(nameOf(bar), x + 5, middle)
  pen.restore()
}

/** Finds the places of a lane's bars that are in sight, from the left. Of bars within the same pixel, one has a place. */
const placesOf = (
  { end, hovered, nameWidth, shown, width, xOf }: Sheet,
  bars: ReadonlyArray<Bar>,
  y: number,
  least: number
): ReadonlyArray<Place> => {
  const places: Array<Place> = []
  let drawnTo = -1
  for (const bar of bars) {
    if (bar.from > shown.to) break
    if ((bar.to ?? end) < shown.from) continue
    const x = Math.max(nameWidth, xOf(bar.from))
    const right = Math.min(width, xOf(bar.to ?? end))
    const last = places.at(-1)
    if (last !== undefined && Math.max(right, x + least) < drawnTo + 0.5) {
      // Keys choose a bar that is hidden, too: then it has the place.
      places[places.length - 1] = { ...last, bar: bar.key === hovered ? bar : last.bar, hidden: last.hidden + 1 }
      continue
    }
    // A bar at the end of the picture is whole, too.
    const w = Math.max(least, right - x)
    const place = { bar, x: Math.min(x, width - w), y, w, hidden: 0 }
    drawnTo = place.x + w
    places.push(place)
  }
  return places
}

/** Draws a lane. Returns the places of its bars, the uppermost first. */
const drawLane = (sheet: Sheet, lane: Lane, y: number): ReadonlyArray<Place> => {
  const { bars } = lane
  drawWaits(sheet, bars, y + laneHeight - 6)
  const others = placesOf(
    sheet,
    bars.filter((bar) => !isFailure(bar)),
    y,
    leastWidth
  )
  const failures = placesOf(sheet, bars.filter(isFailure), y, leastFailure)
  for (const place of others) drawBar(sheet, place)
  for (const place of failures) drawBar(sheet, place)
  drawLaneName(sheet, lane, y)
  return [...failures, ...others]
}

/** A name is cut in its middle, so that the number at its end stays. */
const drawLaneName = ({ ink, nameWidth, pen }: Sheet, { bars, idle, name }: Lane, y: number): void => {
  const middle = y + (laneHeight - 6) / 2
  pen.fillStyle = ink.back
  pen.fillRect(0, y - 3, nameWidth - 4, laneHeight)
  pen.fillStyle = ink.soft
  const whole = visible(name, nameLength)
  let text = whole
  for (let kept = whole.length - 1; kept > 8 && pen.measureText(text).width > nameWidth - 10; kept--) {
    text = `${whole.slice(0, kept - 6)}…${whole.slice(-6)}`
  }
  pen.fillText(text, 4, middle)
  if (bars.length > 0) return
  const idleText = idle === undefined ? "idle for this job" : `${idle} lanes idle for this job`
  // A rest may lie below it.
  pen.fillStyle = ink.back
  pen.fillRect(nameWidth + 2, y, pen.measureText(idleText).width + 4, laneHeight - 6)
  pen.fillStyle = ink.soft
  pen.fillText(idleText, nameWidth + 4, middle)
}

/** A thin line below the bars from the time at which a task was queued to its beginning. */
const drawWaits = (sheet: Sheet, bars: ReadonlyArray<Bar>, y: number): void => {
  const { ink, nameWidth, palette, pen, shown, width, xOf } = sheet
  let drawnTo = -Infinity
  pen.globalAlpha = 0.55
  for (const { agent, from, outcome, queued } of bars) {
    if (queued === undefined || outcome === "queued" || queued > shown.to || from < shown.from) continue
    const [left, right] = [Math.max(nameWidth, drawnTo, xOf(queued)), Math.min(width, xOf(from))]
    if (right - left < 1) continue
    pen.fillStyle = palette(agent, ink.isDark)
    pen.fillRect(left, y + 1, right - left, 2)
    drawnTo = right
  }
  pen.globalAlpha = 1
}

/** Notches where further attempts of a task began. */
const drawAttempts = ({ end, ink, pen, xOf }: Sheet, { bar, w, x, y }: Place): void => {
  pen.fillStyle = ink.back
  for (const begin of bar.begins) {
    const at = xOf(begin)
    if (begin < (bar.to ?? end) && at > x + 1 && at < x + w - 1) pen.fillRect(at - 1, y, 2, laneHeight - 6)
  }
}

/** The cycle that the page shows: its commit is a strong line, and a veil lies over what came later. */
const drawMark = ({ height, ink, nameWidth, pen, width, xOf }: Sheet, { at, label }: MarkedCycle): void => {
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
  readonly scale: Scale
  /** The pixels of lanes above those that are in sight, and the height of the picture. */
  readonly scrolled: number
  readonly height: number
}

/** The places of what was drawn. */
export interface Drawn {
  readonly bars: ReadonlyArray<Place>
  readonly rests: ReadonlyArray<RestPlace>
}

export const nothingDrawn: Drawn = { bars: [], rests: [] }

/** Draws a timeline. Returns the places of its bars and rests. */
export const draw = (
  canvas: HTMLCanvasElement,
  timeline: Timeline,
  { end, height, hovered, mark, palette, scale, scrolled, shown }: Options
): Drawn => {
  const pen = canvas.getContext("2d")
  if (pen === null) return nothingDrawn
  const width = canvas.clientWidth
  const nameWidth = nameWidthOf(width)
  canvas.style.height = `${height}px`
  canvas.width = width * devicePixelRatio
  canvas.height = height * devicePixelRatio
  pen.scale(devicePixelRatio, devicePixelRatio)
  pen.font = "11px system-ui, sans-serif"
  pen.textBaseline = "middle"
  const begin = scale.placeOf(shown.from)
  const perMs = (width - nameWidth) / (scale.placeOf(shown.to) - begin)
  const xOf = (ms: number): number => nameWidth + (scale.placeOf(ms) - begin) * perMs
  const sheet: Sheet = { pen, ink: inkOf(canvas), palette, width, nameWidth, height, shown, end, hovered, scale, xOf }
  const places: Array<Place> = []
  drawScale(sheet, timeline.from)
  const rests = restPlaces(sheet, timeline.rests)
  for (const place of rests) drawRest(sheet, place)
  drawCommits(sheet, timeline)
  // The scale stays where it is, and lanes go away below it.
  pen.save()
  pen.beginPath()
  pen.rect(0, axisHeight, width, height)
  pen.clip()
  const first = Math.floor(scrolled / laneHeight)
  const last = Math.min(timeline.lanes.length, Math.ceil((scrolled + height - axisHeight) / laneHeight))
  for (let index = first; index < last; index++) {
    places.push(...drawLane(sheet, timeline.lanes[index]!, axisHeight + index * laneHeight + 3 - scrolled))
  }
  pen.restore()
  if (mark !== undefined) drawMark(sheet, mark)
  return { bars: places, rests }
}

/** The part of the lanes' height at which a lane begins. */
export const topOf = (lane: number): number => lane * laneHeight

/** The bar at a place. */
export const placeAt = (places: ReadonlyArray<Place>, x: number, y: number): Place | undefined =>
  places.find((it) => x >= it.x - 1 && x <= it.x + it.w + 1 && y >= it.y && y <= it.y + laneHeight - 6)

/** The rest at a place. */
export const restAt = (places: ReadonlyArray<RestPlace>, x: number): RestPlace | undefined =>
  places.find((it) => x >= it.x - 1 && x <= it.x + it.w + 1)
