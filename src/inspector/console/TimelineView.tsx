/**
 * The timeline: a lane for each worker and for each place of the main thread, tasks as bars, commits as lines.
 *
 * Drawn on a canvas, so ten thousand bars cost one frame; the table below it says the same to those who do not see it. The
 * wheel with ctrl, or + and -, zoom; left, right and dragging move; up and down go from task to task, and to the rests between
 * them. A click, or Enter, opens the fact that the task was about. Long rests are drawn short, unless all time is asked for.
 */
import { type Signal, useSignal, useSignalEffect } from "@preact/signals"
import type { TargetedKeyboardEvent, TargetedPointerEvent } from "preact"
import { useEffect, useMemo, useRef } from "preact/hooks"
import { type Answer, ask, ofJob, queryOf } from "./api.ts"
import { openTask } from "./links.tsx"
import { number, plural, span, time } from "./format.ts"
import { at, graph, isOver, job, jobId, storedUsage, tasks } from "./jobStore.ts"
import { Empty, Said } from "./parts.tsx"
import { waitReasons } from "../../outcome/presentLine.ts"
import { now, poll } from "./browser.ts"
import type { RecordedCycle, TimelinePage } from "./shapes.ts"
import { heardAt, live, needTelemetry, pictured } from "./telemetry.ts"
import { type Palette, paletteOf } from "./colours.ts"
import { theme } from "./theme.ts"
import { Agents, Legend, Longest, Lanes, names, Rests } from "./TimelineWords.tsx"
import {
  draw,
  type Drawn,
  heightOf,
  type MarkedCycle,
  nameWidthOf,
  nothingDrawn,
  placeAt,
  restAt,
  topOf,
  type Window
} from "./timelineDrawing.ts"
import {
  agentsOf,
  type Bar,
  msOf,
  type Stop,
  stopsOf,
  type Timeline,
  timelineOf,
  whyEmpty,
  within
} from "./timelineModel.ts"
import { type JobTimes, reasonOf, type Rest, restSpan } from "./timelineRests.ts"
import { hasFolds, isMostlyRest, Scale } from "./timelineScale.ts"

/** The time to which unfinished tasks are drawn: the page's, or that of newer telemetry. */
const presentMs = (): number => Math.max(now.value, heardAt())

/** Cycles of one page, and cycles that the view remembers. */
const pageSize = 200
const remembered = 2_000

/** Undefined if the request was given up. */
const fetchCycles = (id: string, after: number, abort?: AbortSignal) => {
  const path = ofJob(id, `/timeline${queryOf({ after, limit: pageSize })}`)
  return ask<TimelinePage>(path, abort === undefined ? {} : { signal: abort })
}

const cyclesIn = (answer: Answer<TimelinePage> | undefined): ReadonlyArray<RecordedCycle> =>
  answer?.ok === true ? answer.value.cycles : []

/** The cycles that the view shows: the newest, and older ones as they are asked for. */
const useCycles = () => {
  const id = jobId.value
  const cycles = useSignal<ReadonlyArray<RecordedCycle>>([])
  const isAsked = useSignal(false)
  /** The title of the problem for which there are none. */
  const refusal = useSignal("")
  const chosen = at.value
  useEffect(() => {
    cycles.value = []
    isAsked.value = false
  }, [id])
  useEffect(() => {
    if (id === undefined) return undefined
    return poll(1_000, async (abort) => {
      const last = job.peek()?.cycle ?? 0
      const known = cycles.value.at(-1)?.cycle ?? 0
      const first = cycles.value[0]?.cycle ?? 0
      const isFar =
        chosen === undefined
          ? known < last - pageSize
          : chosen > 0 && (chosen < first || chosen > known) && chosen <= last
      if (isAsked.value && !isFar && (known >= last || chosen !== undefined)) return
      // The cycles around the one that the page shows take the place of those that are here.
      const isAnew = isFar || !isAsked.value
      const before = chosen === undefined ? last - pageSize : chosen - pageSize / 2
      const answer = await fetchCycles(id, isAnew ? Math.max(0, before) : known, abort)
      if (abort.aborted) return
      isAsked.value = true
      refusal.value = answer?.ok === false ? answer.problem.title : ""
      const more = cyclesIn(answer)
      const old = isAnew ? [] : cycles.value
      cycles.value = [...old, ...more.filter(({ cycle }) => cycle > (old.at(-1)?.cycle ?? 0))].slice(-remembered)
    })
  }, [id, chosen])
  const older = async (): Promise<void> => {
    const first = cycles.value[0]?.cycle ?? 1
    if (id === undefined || first <= 1) return
    const more = cyclesIn(await fetchCycles(id, Math.max(0, first - 1 - pageSize)))
    // Cycles around another one may have come meanwhile, or these have been asked for twice.
    if (cycles.value[0]?.cycle !== first) return
    cycles.value = [...more.filter(({ cycle }) => cycle < first), ...cycles.value].slice(0, remembered)
  }
  return { cycles, isAsked, refusal, older }
}

/** The part of time that is in sight, and what changes it. It is enlarged and moved by what is seen: rests may be short. */
const useWindow = (timeline: Timeline, scale: Scale) => {
  const view = useSignal<Window | undefined>(undefined)
  const showPlaces = (from: number, to: number): void => {
    view.value = { from: scale.timeAt(from), to: scale.timeAt(to) }
  }
  const [first, last] = [scale.placeOf(timeline.from), scale.placeOf(timeline.to)]
  const shown = view.value ?? { from: timeline.from, to: scale.timeAt(last + (last - first) * 0.02) }
  const begin = scale.placeOf(shown.from)
  const width = scale.placeOf(shown.to) - begin
  const zoom = (factor: number, place = 0.5): void => {
    const next = Math.min(Math.max(width * factor, 0.5), (last - first) * 1.5 + 1)
    const pivot = begin + width * place
    showPlaces(pivot - next * place, pivot + next * (1 - place))
  }
  /** Moves a window, that of now unless another is given, by a part of its width. */
  const pan = (part: number, { from, to }: Window = shown): void => {
    const [left, right] = [scale.placeOf(from), scale.placeOf(to)]
    const by = (right - left) * part
    showPlaces(left + by, right + by)
  }
  /** Moves the window so that a time lies in its first quarter. */
  const showAt = (ms: number): void => showPlaces(scale.placeOf(ms) - width / 4, scale.placeOf(ms) + (3 * width) / 4)
  const isPart = view.value !== undefined
  return { shown, isPart, scale, zoom, pan, showAt, showAll: () => (view.value = undefined) }
}

type View = ReturnType<typeof useWindow>

interface Hit {
  readonly stop: Stop
  readonly x: number
  readonly y: number
  /** The width of the picture. */
  readonly width: number
  /** The number of tasks, or of rests, within the same pixels. */
  readonly hidden: number
}

/** It opens towards the middle of the picture, where it has room. */
const tipPlace = ({ width, x, y }: Hit) => ({
  top: `${y + 22}px`,
  ...(x > width / 2 ? { right: `${Math.max(4, width - x - 20)}px` } : { left: `${Math.max(4, x - 20)}px` })
})

/** The words about a rest. */
const RestTip = ({ rest }: { readonly rest: Rest }) => (
  <>
    <b>{restSpan(rest, presentMs())}</b>: {reasonOf(rest)}
    <br />
    {rest.cycle === 0 ? "before cycle 1" : `after cycle ${number(rest.cycle)}`}, from {time(rest.from)}
  </>
)

const Tip = ({ hit }: { readonly hit: Hit }) => {
  const { bar, rest } = hit.stop
  return (
    <div class="tip" role="status" style={tipPlace(hit)}>
      {bar === undefined ? <RestTip rest={rest} /> : <TaskTip bar={bar} />}
      {hit.hidden === 0 ? null : (
        <>
          <br />
          and {plural(hit.hidden, bar === undefined ? "rest" : "task")} too near to tell apart: zoom in, or use ↑ ↓
        </>
      )}
    </div>
  )
}

/** The words about a task. */
const TaskTip = ({ bar }: { readonly bar: Bar }) => (
  <>
    <b>
      <Said text={bar.agent} limit={60} />
    </b>{" "}
    {bar.each === undefined ? null : <Said text={`${bar.each.kind}/${bar.each.id}`} limit={80} />}
    <br />
    {bar.isUntimed === true
      ? "less than a millisecond"
      : bar.hasNoBegin === true
        ? "its time is not known"
        : span(msOf(bar, presentMs()))}
    {bar.to === undefined ? " so far" : ""} · cycle {number(bar.cycle)} · {names[bar.outcome]}
    {bar.waitsFor === undefined ? "" : ` for ${waitReasons[bar.waitsFor]}`}
    {bar.queued === undefined || bar.outcome === "queued"
      ? ""
      : ` · waited ${span(Math.max(0, bar.from - bar.queued))}`}
    {bar.attempts > 1 ? ` · ${bar.attempts} attempts` : ""}
    {bar.discarded === undefined ? "" : ` · ${bar.discarded}`}
    {bar.isUntimed === true ? " · shown where it was discarded: when it ran is not recorded" : ""}
    {bar.hasNoBegin === true ? " · shown where it ended: nobody heard when it began" : ""}
  </>
)

/** The bar at a place of the picture, or else the rest. */
const hitAt = ({ bars, rests }: Drawn, place: Pick<Hit, "x" | "y" | "width">): Hit | undefined => {
  const found = placeAt(bars, place.x, place.y)
  if (found !== undefined) {
    const { bar, hidden } = found
    return { ...place, hidden, stop: { key: bar.key, from: bar.from, bar } }
  }
  const still = place.x < nameWidthOf(place.width) ? undefined : restAt(rests, place.x)
  if (still === undefined) return undefined
  const { hidden, rest } = still
  return { ...place, hidden, stop: { key: rest.key, from: rest.from, rest } }
}

const openStop = ({ bar }: Stop): void => {
  if (bar !== undefined) openTask(bar)
}

/** The pointer: it drags the window, names the task below it, and opens what that task was about. */
const usePointer = ({ pan, shown }: View, hit: Signal<Hit | undefined>, places: { readonly current: Drawn }) => {
  const dragged = useRef<{ readonly x: number; readonly at: Window } | undefined>(undefined)
  return {
    onPointerDown: (event: TargetedPointerEvent<HTMLCanvasElement>) => {
      dragged.current = { x: event.clientX, at: shown }
      event.currentTarget.setPointerCapture(event.pointerId)
    },
    onPointerUp: (event: TargetedPointerEvent<HTMLCanvasElement>) => {
      const isClick = dragged.current !== undefined && Math.abs(event.clientX - dragged.current.x) < 4
      dragged.current = undefined
      if (isClick && hit.value !== undefined) openStop(hit.value.stop)
    },
    onPointerMove: (event: TargetedPointerEvent<HTMLCanvasElement>) => {
      const box = event.currentTarget.getBoundingClientRect()
      const { current } = dragged
      if (current !== undefined && event.buttons > 0) {
        pan((current.x - event.clientX) / (box.width - nameWidthOf(box.width)), current.at)
        return
      }
      const [x, y] = [event.clientX - box.left, event.clientY - box.top]
      const found = hitAt(places.current, { x, y, width: box.width })
      if (found?.stop.key !== hit.value?.stop.key) hit.value = found
    },
    onPointerLeave: () => (hit.value = undefined)
  }
}

/** The keys: they enlarge and move the window, go from task to task, and open what a task was about. */
const chartKeys = (
  timeline: Timeline,
  { pan, showAll, showAt, shown, zoom }: View,
  hit: Signal<Hit | undefined>,
  places: { readonly current: Drawn },
  /** Scrolls a lane into sight, and draws. */
  reveal: (lane: number) => void
) => {
  const step = (by: number, width: number): void => {
    const stops = stopsOf(timeline)
    const index = stops.findIndex(({ key }) => key === hit.value?.stop.key)
    const stop = stops[index === -1 ? (by > 0 ? 0 : stops.length - 1) : index + by]
    if (stop === undefined) return
    // The window follows the task. A rest may be longer than that.
    const end = stop.bar === undefined ? stop.from : (stop.bar.to ?? timeline.to)
    if (stop.from < shown.from || end > shown.to) showAt(stop.from)
    reveal(timeline.lanes.findIndex(({ bars: own }) => own.some(({ key }) => key === stop.key)))
    const { bars, rests } = places.current
    const place =
      stop.bar === undefined
        ? rests.find(({ rest }) => rest.key === stop.key)
        : bars.find(({ bar }) => bar.key === stop.key)
    const y = place !== undefined && "y" in place ? place.y : 0
    hit.value = { stop, x: place?.x ?? nameWidthOf(width), y, width, hidden: place?.hidden ?? 0 }
  }
  const keys: Readonly<Record<string, (width: number) => void>> = {
    "+": () => zoom(0.6),
    "=": () => zoom(0.6),
    "-": () => zoom(1 / 0.6),
    ArrowLeft: () => pan(-0.2),
    ArrowRight: () => pan(0.2),
    ArrowDown: (width) => step(1, width),
    ArrowUp: (width) => step(-1, width),
    Enter: () => hit.value !== undefined && openStop(hit.value.stop),
    "0": () => showAll()
  }
  return (event: TargetedKeyboardEvent<HTMLCanvasElement>): void => {
    if (event.key === "Escape" && hit.value !== undefined) {
      // The page would go back to the list of jobs.
      event.stopPropagation()
      hit.value = undefined
      return
    }
    const act = keys[event.key]
    if (act === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    act(event.currentTarget.clientWidth)
  }
}

/** Tuning: pixels of the picture. Where there are more lanes, they scroll. */
const mostHeight = 520

/** Zooms and moves with the wheel. Without a key, the wheel scrolls the page. */
const chartWheel =
  ({ pan, zoom }: View) =>
  (event: Omit<WheelEvent, "currentTarget"> & { readonly currentTarget: Element }): void => {
    if (!event.ctrlKey && !event.shiftKey && Math.abs(event.deltaX) < Math.abs(event.deltaY)) return
    event.preventDefault()
    const box = event.currentTarget.getBoundingClientRect()
    const names = nameWidthOf(box.width)
    const place = Math.min(1, Math.max(0, (event.clientX - box.left - names) / (box.width - names)))
    if (event.ctrlKey) zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, place)
    else pan(Math.sign(event.deltaX || event.deltaY) * 0.08)
  }

interface ChartProps {
  readonly palette: Palette
  readonly timeline: Timeline
  readonly view: View
  readonly end: number | undefined
  readonly mark: MarkedCycle | undefined
}

/** The picture, which the wheel, the pointer and keys move. */
const Chart = ({ end, mark, palette, timeline, view }: ChartProps) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const scroller = useRef<HTMLDivElement>(null)
  const whole = heightOf(timeline)
  const hit = useSignal<Hit | undefined>(undefined)
  const places = useRef<Drawn>(nothingDrawn)
  const { scale, shown } = view
  const redraw = (): void => {
    if (canvas.current === null) return
    places.current = draw(canvas.current, timeline, {
      shown,
      hovered: hit.value?.stop.key,
      end: end ?? timeline.to,
      mark,
      palette,
      scale,
      scrolled: scroller.current?.scrollTop ?? 0,
      height: Math.min(whole, mostHeight)
    })
  }
  useEffect(redraw)
  useSignalEffect(() => {
    void hit.value
    void theme.value
    redraw()
  })
  useEffect(() => {
    const observer = new ResizeObserver(redraw)
    if (canvas.current !== null) observer.observe(canvas.current)
    return () => observer.disconnect()
  })
  const pointer = usePointer(view, hit, places)
  const reveal = (lane: number): void => {
    const { current } = scroller
    if (current === null || lane < 0) return
    const [top, room] = [topOf(lane), current.clientHeight - topOf(3)]
    if (top < current.scrollTop || top > current.scrollTop + room) current.scrollTop = top - room / 2
    redraw()
  }
  return (
    <div class="timeline">
      <div ref={scroller} class="lanes" style={{ maxHeight: `${mostHeight}px` }} onScroll={redraw}>
        <div style={{ height: `${whole}px` }}>
          <canvas
            ref={canvas}
            tabIndex={0}
            role="img"
            aria-label="Tasks over time. Up and down go from task to task and to rests, Enter opens a task. The tables below name the longest."
            onWheel={chartWheel(view)}
            {...pointer}
            onBlur={() => (hit.value = undefined)}
            onKeyDown={chartKeys(timeline, view, hit, places, reveal)}
          />
        </div>
      </div>
      {hit.value === undefined ? null : <Tip hit={hit.value} />}
    </div>
  )
}

interface ToolbarProps {
  readonly timeline: Timeline
  readonly view: View
  readonly cycles: ReadonlyArray<RecordedCycle>
  readonly older: () => Promise<void>
  readonly isShortened: boolean
  readonly onShorten: (isShortened: boolean) => void
}

const Toolbar = ({ cycles, isShortened, older, onShorten, timeline, view: { showAll, zoom } }: ToolbarProps) => {
  const first = cycles[0]?.cycle
  const bars = timeline.lanes.flatMap((lane) => lane.bars)
  const untimed = bars.filter(({ isUntimed }) => isUntimed === true).length
  return (
    <div class="toolbar" role="toolbar" aria-label="Timeline">
      <button type="button" onClick={() => zoom(0.6)} aria-label="Zoom in">
        +
      </button>
      <button type="button" onClick={() => zoom(1 / 0.6)} aria-label="Zoom out">
        −
      </button>
      <button type="button" onClick={() => showAll()}>
        all
      </button>
      {hasFolds(timeline) ? (
        <button type="button" aria-pressed={isShortened} onClick={() => onShorten(!isShortened)}>
          short rests
        </button>
      ) : null}
      <button type="button" disabled={(first ?? 1) <= 1} onClick={() => void older()}>
        earlier cycles
      </button>
      <span class="soft">
        {first === undefined ? "live" : `cycles ${number(first)} to ${number(cycles.at(-1)?.cycle ?? 0)}`}
        {` · from ${time(timeline.from)} · `}
        {plural(bars.length - untimed, "task")} of a millisecond or more
        {untimed === 0 ? "" : `, ${plural(untimed, "discarded task")} below that`}
        <span class="keys"> · + and - or ctrl and the wheel zoom · ↑ ↓ Enter: a task</span>
      </span>
    </div>
  )
}

/** The commit of the cycle that the page shows. Before the first one, the beginning of its tasks. */
const markOf = (cycles: ReadonlyArray<RecordedCycle>, cycle: number | undefined): MarkedCycle | undefined => {
  if (cycle === undefined) return undefined
  const label = `cycle ${number(cycle)}`
  const found = cycles.find((recorded) => recorded.cycle === cycle)
  if (found !== undefined) return { at: found.at, label }
  const [first] = cycles
  return first === undefined || cycle > 0 ? undefined : { at: first.at - (first.tookMs ?? 0), label: "the beginning" }
}

/** The job's own times. Undefined until the job is known. */
const jobTimes = (): JobTimes | undefined => {
  if (job.value === undefined) return undefined
  const { createdAt, cycle, haltedAt, state, usage } = job.value
  return {
    state,
    cycle,
    createdAt,
    since: tasks.value?.since ?? undefined,
    haltedAt: haltedAt ?? undefined,
    durationMs: (usage ?? storedUsage.value)?.durationMs
  }
}

/** The times of the job as one text, which is the same as long as they are: an answer each second has new objects. */
const useJobTimes = (): JobTimes | undefined => {
  const text = JSON.stringify(jobTimes() ?? null)
  return useMemo(() => (JSON.parse(text) as JobTimes | null) ?? undefined, [text])
}

/** How many tasks run at a time, of agents that declare it for all of their tasks together. */
const useLimits = (): ReadonlyMap<string, number> => {
  const agents = graph.value?.agents
  return useMemo(
    () =>
      new Map(
        (agents ?? []).flatMap(({ concurrency, name }) =>
          concurrency === undefined || concurrency.isPerKey || concurrency.limit === null
            ? []
            : [[name, concurrency.limit]]
        )
      ),
    [agents]
  )
}

/** A line about the tasks that the picture of the cycle under way leaves out. */
const Unnamed = () => {
  const now = isOver.value ? undefined : tasks.value
  if (now === undefined || now.cycle === 0) return null
  const { cycle, ended, ends, waiting, waits } = now
  const parts = [
    ends > ended.length && ended.length > 0
      ? `${plural(ends, "task")} of cycle ${number(cycle)} have ended: before this page listened, the ${number(ended.length)} longest of a millisecond or more are drawn`
      : "",
    waits > waiting.length ? `${plural(waits, "task")} wait, of which ${number(waiting.length)} are named` : ""
  ].filter(Boolean)
  return parts.length === 0 ? null : <p class="soft">{parts.join(". ")}.</p>
}

export const TimelineView = () => {
  const { cycles, isAsked, older, refusal } = useCycles()
  const isLive = job.value !== undefined && !isOver.value
  // The cycle that the job ended in may be recorded nowhere: what was heard of it stays as long as the view is open.
  const hasLived = useRef(false)
  hasLived.current ||= isLive
  useEffect(() => (hasLived.current ? needTelemetry() : undefined), [hasLived.current])
  void pictured.value
  const end = isOver.value ? undefined : presentMs()
  const folded = useSignal<ReadonlySet<string>>(new Set())
  const workers = isLive ? (tasks.value?.pool.size ?? 0) : 0
  const times = useJobTimes()
  const limits = useLimits()
  const timeline = useMemo(
    () => timelineOf(cycles.value, live, end, { workers, folded: folded.value, limits, times }),
    [cycles.value, pictured.value, end, workers, folded.value, limits, times]
  )
  /** Undefined until the viewer chooses. */
  const shortens = useSignal<boolean | undefined>(undefined)
  const isShortened = shortens.value ?? isMostlyRest(timeline)
  const scale = useMemo(() => new Scale(timeline, isShortened), [timeline, isShortened])
  const agents = useMemo(() => agentsOf(timeline), [timeline])
  const palette = useMemo(() => paletteOf(agents), [agents])
  const view = useWindow(timeline, scale)
  const { isPart, shown } = view
  const part = useMemo(
    () => (isPart ? within(timeline, shown.from, shown.to) : timeline),
    [timeline, isPart, shown.from, shown.to]
  )
  if (timeline.lanes.length === 0 && cycles.value.length === 0) {
    return <Empty>{isAsked.value ? whyEmpty(refusal.value, job.value) : "Reading when the tasks ran…"}</Empty>
  }
  return (
    <>
      <Toolbar
        timeline={timeline}
        view={view}
        cycles={cycles.value}
        older={older}
        isShortened={isShortened}
        onShorten={(next) => (shortens.value = next)}
      />
      <Chart timeline={timeline} palette={palette} view={view} end={end} mark={markOf(cycles.value, at.value)} />
      <Unnamed />
      <Agents agents={agents} palette={palette} lanes={timeline.lanes} folded={folded} />
      <Legend timeline={part} isPart={isPart} />
      <Lanes timeline={part} shown={shown} isPart={isPart} />
      <Rests timeline={part} now={presentMs()} until={at.value} isPart={isPart} onShow={view.showAt} />
      <Longest timeline={part} palette={palette} until={at.value} now={presentMs()} isPart={isPart} />
      {timeline.lanes.length === 0 ? (
        <Empty>No task took a millisecond, and the times of shorter ones are not kept. Events names them all.</Empty>
      ) : null}
    </>
  )
}
