/**
 * The timeline: a lane for each worker and for each place of the main thread, tasks as bars, commits as lines.
 *
 * Drawn on a canvas, so ten thousand bars cost one frame; the table below it says the same to those who do not see it. The
 * wheel with ctrl, or + and -, zoom; left, right and dragging move; up and down go from task to task. A click, or Enter, opens
 * the fact that the task was about.
 */
import { type Signal, useSignal, useSignalEffect } from "@preact/signals"
import type { TargetedKeyboardEvent, TargetedPointerEvent } from "preact"
import { useEffect, useMemo, useRef } from "preact/hooks"
import { type Answer, ask, ofJob, queryOf } from "./api.ts"
import { openTask } from "./links.tsx"
import { number, plural, span, time } from "./format.ts"
import { at, isOver, job, jobId, tasks } from "./jobStore.ts"
import { Empty, Said } from "./parts.tsx"
import { now, poll } from "./browser.ts"
import type { RecordedCycle, TimelinePage } from "./shapes.ts"
import { heardAt, live, needTelemetry, pictured } from "./telemetry.ts"
import { type Palette, paletteOf } from "./colours.ts"
import { theme } from "./theme.ts"
import { Agents, Legend, Longest, Lanes, names } from "./TimelineWords.tsx"
import {
  draw,
  heightOf,
  type MarkedCycle,
  nameWidthOf,
  type Place,
  placeAt,
  topOf,
  type Window
} from "./timelineDrawing.ts"
import { agentsOf, type Bar, inOrder, msOf, type Timeline, timelineOf, whyEmpty, within } from "./timelineModel.ts"

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
    cycles.value = [...more.filter(({ cycle }) => cycle < first), ...cycles.value].slice(0, remembered)
  }
  return { cycles, isAsked, refusal, older }
}

/** The part of time that is in sight, and what changes it. */
const useWindow = (timeline: Timeline) => {
  const view = useSignal<Window | undefined>(undefined)
  const shown = view.value ?? { from: timeline.from, to: timeline.to + (timeline.to - timeline.from) * 0.02 }
  const zoom = (factor: number, place = 0.5): void => {
    const width = shown.to - shown.from
    const next = Math.min(Math.max(width * factor, 0.5), (timeline.to - timeline.from) * 1.5 + 1)
    const pivot = shown.from + width * place
    view.value = { from: pivot - next * place, to: pivot + next * (1 - place) }
  }
  const pan = (part: number): void => {
    const by = (shown.to - shown.from) * part
    view.value = { from: shown.from + by, to: shown.to + by }
  }
  const isPart = view.value !== undefined
  return { shown, isPart, zoom, pan, show: (to: Window | undefined) => (view.value = to) }
}

type View = ReturnType<typeof useWindow>

interface Hit {
  readonly bar: Bar
  readonly x: number
  readonly y: number
  /** The width of the picture. */
  readonly width: number
  /** The number of tasks within the same pixels. */
  readonly hidden: number
}

const reasons = { concurrency: "a permit of its agent", budget: "room under the budget", worker: "a worker" } as const

/** It opens towards the middle of the picture, where it has room. */
const tipPlace = ({ width, x, y }: Hit) => ({
  top: `${y + 22}px`,
  ...(x > width / 2 ? { right: `${Math.max(4, width - x - 20)}px` } : { left: `${Math.max(4, x - 20)}px` })
})

const Tip = ({ hit }: { readonly hit: Hit }) => {
  const { bar } = hit
  return (
    <div class="tip" role="status" style={tipPlace(hit)}>
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
      {bar.waitsFor === undefined ? "" : ` for ${reasons[bar.waitsFor]}`}
      {bar.queued === undefined || bar.outcome === "queued"
        ? ""
        : ` · waited ${span(Math.max(0, bar.from - bar.queued))}`}
      {bar.attempts > 1 ? ` · ${bar.attempts} attempts` : ""}
      {bar.discarded === undefined ? "" : ` · ${bar.discarded}`}
      {bar.isUntimed === true ? " · shown where it was discarded: when it ran is not recorded" : ""}
      {bar.hasNoBegin === true ? " · shown where it ended: nobody heard when it began" : ""}
      {hit.hidden === 0 ? null : (
        <>
          <br />
          and {plural(hit.hidden, "task")} too near to tell apart: zoom in, or use ↑ ↓
        </>
      )}
    </div>
  )
}

/** The pointer: it drags the window, names the task below it, and opens what that task was about. */
const usePointer = (
  { show, shown }: View,
  hit: Signal<Hit | undefined>,
  places: { readonly current: ReadonlyArray<Place> }
) => {
  const dragged = useRef<{ readonly x: number; readonly at: Window } | undefined>(undefined)
  return {
    onPointerDown: (event: TargetedPointerEvent<HTMLCanvasElement>) => {
      dragged.current = { x: event.clientX, at: shown }
      event.currentTarget.setPointerCapture(event.pointerId)
    },
    onPointerUp: (event: TargetedPointerEvent<HTMLCanvasElement>) => {
      const isClick = dragged.current !== undefined && Math.abs(event.clientX - dragged.current.x) < 4
      dragged.current = undefined
      if (isClick && hit.value !== undefined) openTask(hit.value.bar)
    },
    onPointerMove: (event: TargetedPointerEvent<HTMLCanvasElement>) => {
      const box = event.currentTarget.getBoundingClientRect()
      const { current } = dragged
      if (current !== undefined && event.buttons > 0) {
        const by =
          ((current.x - event.clientX) / (box.width - nameWidthOf(box.width))) * (current.at.to - current.at.from)
        show({ from: current.at.from + by, to: current.at.to + by })
        return
      }
      const [x, y] = [event.clientX - box.left, event.clientY - box.top]
      const found = placeAt(places.current, x, y)
      if (found?.bar.key !== hit.value?.bar.key)
        hit.value = found === undefined ? undefined : { bar: found.bar, x, y, width: box.width, hidden: found.hidden }
    },
    onPointerLeave: () => (hit.value = undefined)
  }
}

/** The keys: they enlarge and move the window, go from task to task, and open what a task was about. */
const chartKeys = (
  timeline: Timeline,
  { pan, show, shown, zoom }: View,
  hit: Signal<Hit | undefined>,
  places: { readonly current: ReadonlyArray<Place> },
  /** Scrolls a lane into sight, and draws. */
  reveal: (lane: number) => void
) => {
  const step = (by: number, width: number): void => {
    const bars = inOrder(timeline)
    const index = bars.findIndex(({ key }) => key === hit.value?.bar.key)
    const bar = bars[index === -1 ? (by > 0 ? 0 : bars.length - 1) : index + by]
    if (bar === undefined) return
    // The window follows the task.
    const [time, end] = [shown.to - shown.from, bar.to ?? timeline.to]
    if (bar.from < shown.from || end > shown.to) show({ from: bar.from - time / 4, to: bar.from + (3 * time) / 4 })
    reveal(timeline.lanes.findIndex(({ bars: own }) => own.some(({ key }) => key === bar.key)))
    const place = places.current.find((it) => it.bar.key === bar.key)
    hit.value = { bar, x: place?.x ?? nameWidthOf(width), y: place?.y ?? 0, width, hidden: place?.hidden ?? 0 }
  }
  const keys: Readonly<Record<string, (width: number) => void>> = {
    "+": () => zoom(0.6),
    "=": () => zoom(0.6),
    "-": () => zoom(1 / 0.6),
    ArrowLeft: () => pan(-0.2),
    ArrowRight: () => pan(0.2),
    ArrowDown: (width) => step(1, width),
    ArrowUp: (width) => step(-1, width),
    Enter: () => hit.value !== undefined && openTask(hit.value.bar),
    "0": () => show(undefined)
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

/** The picture, which the wheel, the pointer and keys move. */
const Chart = ({
  end,
  mark,
  palette,
  timeline,
  view
}: {
  readonly palette: Palette
  readonly timeline: Timeline
  readonly view: View
  readonly end: number | undefined
  readonly mark: MarkedCycle | undefined
}) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const scroller = useRef<HTMLDivElement>(null)
  const whole = heightOf(timeline)
  const hit = useSignal<Hit | undefined>(undefined)
  const places = useRef<ReadonlyArray<Place>>([])
  const { shown } = view
  const redraw = (): void => {
    if (canvas.current === null) return
    places.current = draw(canvas.current, timeline, {
      shown,
      hovered: hit.value?.bar.key,
      end: end ?? timeline.to,
      mark,
      palette,
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
            aria-label="Tasks over time. Up and down go from task to task, Enter opens one. The table below names the longest."
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
}

const Toolbar = ({ cycles, older, timeline, view: { show, zoom } }: ToolbarProps) => {
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
      <button type="button" onClick={() => show(undefined)}>
        all
      </button>
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
  useEffect(() => (isLive ? needTelemetry() : undefined), [isLive])
  void pictured.value
  const end = isOver.value ? undefined : presentMs()
  const folded = useSignal<ReadonlySet<string>>(new Set())
  const workers = isLive ? (tasks.value?.pool.size ?? 0) : 0
  const timeline = useMemo(
    () => timelineOf(cycles.value, live, end, { workers, folded: folded.value }),
    [cycles.value, pictured.value, end, workers, folded.value]
  )
  const agents = useMemo(() => agentsOf(timeline), [timeline])
  const palette = useMemo(() => paletteOf(agents), [agents])
  const view = useWindow(timeline)
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
      <Toolbar timeline={timeline} view={view} cycles={cycles.value} older={older} />
      <Chart timeline={timeline} palette={palette} view={view} end={end} mark={markOf(cycles.value, at.value)} />
      <Unnamed />
      <Agents agents={agents} palette={palette} lanes={timeline.lanes} folded={folded} />
      <Legend timeline={part} isPart={isPart} />
      <Lanes timeline={part} shown={shown} isPart={isPart} />
      <Longest timeline={part} palette={palette} until={at.value} now={presentMs()} isPart={isPart} />
      {timeline.lanes.length === 0 ? (
        <Empty>No task took a millisecond, and the times of shorter ones are not kept. Events names them all.</Empty>
      ) : null}
    </>
  )
}
