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
import { ask, ofJob, queryOf } from "./api.ts"
import { FactLink, openTask } from "./links.tsx"
import { number, plural, span, time } from "./format.ts"
import { at, isOver, job, jobId, tasks } from "./jobStore.ts"
import { Empty, Said } from "./parts.tsx"
import { now, poll } from "./browser.ts"
import type { RecordedCycle, TimelinePage } from "./shapes.ts"
import { heardAt, live, needTelemetry, pictured } from "./telemetry.ts"
import { type Palette, paletteOf } from "./colours.ts"
import { theme } from "./theme.ts"
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
import {
  agentsOf,
  type Bar,
  busyPart,
  inOrder,
  longest,
  msOf,
  type Outcome,
  tallyOf,
  type Timeline,
  timelineOf
} from "./timelineModel.ts"

/** The time to which unfinished tasks are drawn: the page's, or that of newer telemetry. */
const presentMs = (): number => Math.max(now.value, heardAt())

/** Cycles of one page, and cycles that the view remembers. */
const pageSize = 200
const remembered = 2_000

const fetchCycles = async (id: string, after: number, abort?: AbortSignal): Promise<ReadonlyArray<RecordedCycle>> => {
  const answer = await ask<TimelinePage>(
    ofJob(id, `/timeline${queryOf({ after, limit: pageSize })}`),
    abort === undefined ? {} : { signal: abort }
  )
  return answer?.ok === true ? answer.value.cycles : []
}

/** The cycles that the view shows: the newest, and older ones as they are asked for. */
const useCycles = () => {
  const id = jobId.value
  const cycles = useSignal<ReadonlyArray<RecordedCycle>>([])
  const isAsked = useSignal(false)
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
      const more = await fetchCycles(id, isAnew ? Math.max(0, before) : known, abort)
      if (abort.aborted) return
      isAsked.value = true
      const old = isAnew ? [] : cycles.value
      cycles.value = [...old, ...more.filter(({ cycle }) => cycle > (old.at(-1)?.cycle ?? 0))].slice(-remembered)
    })
  }, [id, chosen])
  const older = async (): Promise<void> => {
    const first = cycles.value[0]?.cycle ?? 1
    if (id === undefined || first <= 1) return
    const more = await fetchCycles(id, Math.max(0, first - 1 - pageSize))
    cycles.value = [...more.filter(({ cycle }) => cycle < first), ...cycles.value].slice(0, remembered)
  }
  return { cycles, isAsked, older }
}

const Swatch = ({ agent, palette }: { readonly agent: string; readonly palette: Palette }) => (
  <i
    class="swatch"
    style={{ background: `light-dark(${palette(agent, false)}, ${palette(agent, true)})` }}
    aria-hidden="true"
  />
)

interface LongestProps {
  readonly timeline: Timeline
  readonly palette: Palette
  readonly until: number | undefined
}

const Longest = ({ palette, timeline, until }: LongestProps) => {
  const bars = longest(timeline, 10, presentMs(), until)
  if (bars.length === 0) return null
  return (
    <table class="longest">
      <caption>
        {until === undefined ? "The longest tasks here" : `The longest tasks up to cycle ${number(until)}`}
      </caption>
      <thead>
        <tr>
          <th>agent</th>
          <th>about</th>
          <th>on</th>
          <th class="num">cycle</th>
          <th class="num">took</th>
          <th>note</th>
        </tr>
      </thead>
      <tbody>
        {bars.map(({ agent, attempts, cycle, discarded, each, from, key, lane, ms, outcome, queued, to }) => (
          <tr key={key}>
            <td>
              <Swatch agent={agent} palette={palette} /> <Said text={agent} limit={60} />
            </td>
            <td>{each === undefined ? "" : <FactLink fact={each} />}</td>
            <td>
              <Said text={lane} limit={60} />
            </td>
            <td class="num">{number(cycle)}</td>
            <td class="num">
              {span(ms)}
              {to === undefined ? " so far" : ""}
            </td>
            <td>
              {outcome === "killed" ? "killed " : ""}
              {discarded === undefined ? "" : <code class="badText">{discarded}</code>}
              {attempts > 1 ? ` ${attempts} attempts` : ""}
              {queued === undefined || from - queued < 1 ? "" : ` waited ${span(from - queued)}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const names: Readonly<Record<Outcome, string>> = {
  queued: "waits",
  running: "runs",
  done: "done",
  retried: "done after another attempt",
  discarded: "no effect: discarded",
  killed: "no effect: stopped"
}

/** How bars look, and how many of each sort are here. */
const Legend = ({ timeline }: { readonly timeline: Timeline }) => (
  <ul class="legend" aria-label="Tasks by what became of them">
    {tallyOf(timeline).map(([outcome, count]) => (
      <li key={outcome} data-outcome={outcome}>
        <i class={`sample ${outcome}`} aria-hidden="true" />
        {names[outcome]} <b>{number(count)}</b>
      </li>
    ))}
    {timeline.commits.length === 0 ? null : (
      <li data-outcome="committed">
        <i class="sample commit" aria-hidden="true" />
        merged and committed <b>{plural(timeline.commits.length, "cycle")}</b>
      </li>
    )}
  </ul>
)

/** Tuning: agents that the list of colours has room for. */
const namedAgents = 24

interface AgentsProps {
  readonly agents: ReadonlyArray<string>
  readonly palette: Palette
  readonly lanes: Timeline["lanes"]
  readonly folded: Signal<ReadonlySet<string>>
}

/** Folds the lanes of an agent to one, or unfolds them. */
const Fold = ({ agent, folded }: { readonly agent: string; readonly folded: AgentsProps["folded"] }) => {
  const isFolded = folded.value.has(agent)
  return (
    <button
      type="button"
      class="fold"
      aria-expanded={!isFolded}
      aria-label={`${isFolded ? "unfold" : "fold"} the lanes of ${agent}`}
      onClick={() => {
        const next = new Set(folded.value)
        if (isFolded) next.delete(agent)
        else next.add(agent)
        folded.value = next
      }}
    >
      {isFolded ? "unfold" : "fold"}
    </button>
  )
}

/** The agents with their colours. One that has several lanes can have them folded. */
const Agents = ({ agents, folded, lanes, palette }: AgentsProps) => {
  const counts = new Map<string, number>()
  for (const { agent } of lanes) if (agent !== undefined) counts.set(agent, (counts.get(agent) ?? 0) + 1)
  return agents.length === 0 ? null : (
    <ul class="agents" aria-label="Agents by colour">
      {agents.slice(0, namedAgents).map((agent) => (
        <li key={agent}>
          <Swatch agent={agent} palette={palette} /> <Said text={agent} limit={60} />{" "}
          {(counts.get(agent) ?? 0) > 1 || folded.value.has(agent) ? <Fold agent={agent} folded={folded} /> : null}
        </li>
      ))}
      {agents.length > namedAgents ? <li>and {number(agents.length - namedAgents)} more</li> : null}
    </ul>
  )
}

/** Tuning: lanes whose busy part is said. */
const saidLanes = 24

const Lanes = ({ timeline, shown }: { readonly timeline: Timeline; readonly shown: Window }) => (
  <p class="soft">
    {timeline.lanes
      .filter(({ isOfThread }) => isOfThread)
      .slice(0, saidLanes)
      .map((lane, index) => (
        <span key={lane.name}>
          {index === 0 ? "Busy: " : ", "}
          <Said text={lane.name} limit={60} />{" "}
          {lane.bars.length === 0 ? "idle" : `${Math.round(100 * busyPart(lane, shown.from, shown.to))} %`}
        </span>
      ))}
  </p>
)

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
  return { shown, zoom, pan, show: (to: Window | undefined) => (view.value = to) }
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
  const { cycles, isAsked, older } = useCycles()
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
  if (timeline.lanes.length === 0 && cycles.value.length === 0) {
    return (
      <Empty>
        {isAsked.value
          ? "No cycle is recorded yet. Times are kept with a durable store; of a live job they are shown from now on."
          : "Reading when the tasks ran…"}
      </Empty>
    )
  }
  return (
    <>
      <Toolbar timeline={timeline} view={view} cycles={cycles.value} older={older} />
      <Chart timeline={timeline} palette={palette} view={view} end={end} mark={markOf(cycles.value, at.value)} />
      <Unnamed />
      <Agents agents={agents} palette={palette} lanes={timeline.lanes} folded={folded} />
      <Legend timeline={timeline} />
      <Lanes timeline={timeline} shown={view.shown} />
      <Longest timeline={timeline} palette={palette} until={at.value} />
      {timeline.lanes.length === 0 ? (
        <Empty>No task took a millisecond, and the times of shorter ones are not kept. Events names them all.</Empty>
      ) : null}
    </>
  )
}
