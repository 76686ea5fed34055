/**
 * The timeline: a lane for each worker and for each place of the main thread, tasks as bars, commits as lines.
 *
 * Drawn on a canvas, so ten thousand bars cost one frame; the table below it says the same to those who do not see it. The wheel or +
 * and - zoom, arrows and dragging move, a click opens a task's fact.
 */
import { useSignal, useSignalEffect } from "@preact/signals"
import { useEffect, useMemo, useRef } from "preact/hooks"
import { ask, ofJob, queryOf } from "./api.ts"
import { number, plural, span, time } from "./format.ts"
import { at, goToCycle, isOver, job, jobId } from "./jobStore.ts"
import { FactLink } from "./links.tsx"
import { now } from "./now.ts"
import { Empty, Said } from "./parts.tsx"
import { poll } from "./poll.ts"
import type { RecordedCycle, TimelinePage } from "./shapes.ts"
import { drawn, live, needTelemetry } from "./telemetry.ts"
import { type Bar, busyPart, longest, stepOf, type Timeline, timelineOf } from "./timelineModel.ts"
import { colourOf, inkOf } from "./colours.ts"

/** Cycles of one page, and cycles that the view remembers. */
const pageSize = 200
const remembered = 2_000
const laneHeight = 22
const axisHeight = 26
const nameWidth = 78

interface Window {
  readonly from: number
  readonly to: number
}

const fetchCycles = async (id: string, after: number, abort?: AbortSignal): Promise<ReadonlyArray<RecordedCycle>> => {
  const answer = await ask<TimelinePage>(
    ofJob(id, `/timeline${queryOf({ after, limit: pageSize })}`),
    abort === undefined ? {} : { signal: abort }
  )
  return answer?.ok === true ? answer.value.cycles : []
}

interface Hit {
  readonly bar: Bar
  readonly x: number
  readonly y: number
}

const draw = (
  canvas: HTMLCanvasElement,
  timeline: Timeline,
  { from, to }: Window,
  hovered: string | undefined,
  end: number
): ReadonlyArray<{ readonly bar: Bar; readonly x: number; readonly y: number; readonly w: number }> => {
  const pen = canvas.getContext("2d")
  if (pen === null) return []
  const ratio = devicePixelRatio
  const width = canvas.clientWidth
  const height = axisHeight + Math.max(1, timeline.lanes.length) * laneHeight + 6
  canvas.style.height = `${height}px`
  canvas.width = width * ratio
  canvas.height = height * ratio
  pen.scale(ratio, ratio)
  const ink = inkOf(canvas)
  const scale = (width - nameWidth) / (to - from)
  const xOf = (ms: number): number => nameWidth + (ms - from) * scale
  pen.font = "11px system-ui, sans-serif"
  pen.textBaseline = "middle"
  const step = stepOf(to - from, Math.max(2, width / 120))
  pen.fillStyle = ink.soft
  // Marks count from the beginning of what is recorded.
  for (let after = Math.ceil((from - timeline.from) / step) * step; timeline.from + after <= to; after += step) {
    if (after < 0) continue
    const x = xOf(timeline.from + after)
    pen.fillStyle = ink.line
    pen.fillRect(x, axisHeight - 4, 1, height)
    pen.fillStyle = ink.soft
    pen.fillText(after === 0 ? "0" : span(after), x + 3, axisHeight / 2)
  }
  for (const { at: commit, discarded, from: began } of timeline.commits) {
    const x = xOf(commit)
    if (x < nameWidth || x > width) continue
    pen.fillStyle = discarded > 0 ? ink.bad : ink.commit
    pen.fillRect(x, axisHeight, 1, height)
    const start = Math.max(nameWidth, xOf(began))
    pen.fillStyle = ink.cycle
    if (x - start > 2) pen.fillRect(start, axisHeight - 3, x - start - 1, 2)
  }
  const shown: Array<{ readonly bar: Bar; readonly x: number; readonly y: number; readonly w: number }> = []
  timeline.lanes.forEach(({ bars, name }, lane) => {
    const y = axisHeight + lane * laneHeight + 3
    let drawnTo = -1
    for (const bar of bars) {
      if (bar.from > to) break
      const x = Math.max(nameWidth, xOf(bar.from))
      const right = Math.min(width, xOf(bar.to ?? end))
      if (right < nameWidth || (bar.to ?? end) < from) continue
      const w = Math.max(1.5, right - x)
      // Bars within one pixel of the one before would only be drawn over it.
      if (right < drawnTo + 0.5 && bar.discarded === undefined) continue
      drawnTo = right
      pen.fillStyle = colourOf(bar.agent, ink.isDark)
      pen.globalAlpha = bar.discarded === undefined ? 1 : 0.45
      pen.beginPath()
      pen.roundRect(x, y, w, laneHeight - 6, Math.min(3, w / 2))
      pen.fill()
      pen.globalAlpha = 1
      if (bar.discarded !== undefined || bar.key === hovered) {
        pen.strokeStyle = bar.key === hovered ? ink.text : ink.bad
        pen.lineWidth = bar.key === hovered ? 2 : 1.5
        pen.stroke()
      }
      if (bar.attempts > 1) {
        pen.fillStyle = ink.text
        pen.fillRect(x, y + laneHeight - 8, Math.min(w, 6), 2)
      }
      if (w > 46) {
        pen.fillStyle = ink.onBar
        pen.save()
        pen.beginPath()
        pen.rect(x, y, w - 4, laneHeight)
        pen.clip()
        pen.fillText(bar.each === undefined ? bar.agent : `${bar.agent} ${bar.each.id}`, x + 5, y + (laneHeight - 6) / 2)
        pen.restore()
      }
      shown.push({ bar, x, y, w })
    }
    pen.fillStyle = ink.back
    pen.fillRect(0, y - 3, nameWidth - 4, laneHeight)
    pen.fillStyle = ink.soft
    pen.fillText(name, 4, y + (laneHeight - 6) / 2)
  })
  return shown
}

/** The cycles that the view shows: the newest, and older ones as they are asked for. */
const useCycles = () => {
  const id = jobId.value
  const cycles = useSignal<ReadonlyArray<RecordedCycle>>([])
  const isAsked = useSignal(false)
  const chosen = at.value
  useEffect(() => {
    if (id === undefined) return undefined
    cycles.value = []
    isAsked.value = false
    return poll(1_000, async (abort) => {
      const last = job.peek()?.cycle ?? 0
      const known = cycles.value.at(-1)?.cycle ?? 0
      if (known >= last && isAsked.value) return
      const start = known === 0 ? Math.max(0, (chosen ?? last) - (chosen === undefined ? pageSize : pageSize / 2)) : known
      const more = await fetchCycles(id, start, abort)
      isAsked.value = true
      const old = cycles.value
      cycles.value = [...old, ...more.filter(({ cycle }) => cycle > (old.at(-1)?.cycle ?? 0))].slice(-remembered)
    })
  }, [id, chosen === undefined])
  const older = async (): Promise<void> => {
    const first = cycles.value[0]?.cycle ?? 1
    if (id === undefined || first <= 1) return
    const more = await fetchCycles(id, Math.max(0, first - 1 - pageSize))
    cycles.value = [...more.filter(({ cycle }) => cycle < first), ...cycles.value].slice(0, remembered)
  }
  return { cycles, isAsked, older }
}

const Longest = ({ timeline }: { readonly timeline: Timeline }) => {
  const bars = longest(timeline, 10, now.value)
  if (bars.length === 0) return null
  return (
    <table class="longest">
      <caption>The longest tasks here</caption>
      <thead><tr><th>agent</th><th>about</th><th>on</th><th class="num">cycle</th><th class="num">took</th><th>note</th></tr></thead>
      <tbody>
        {bars.map(({ agent, attempts, cycle, discarded, each, key, ms, to, worker }) => (
          <tr key={key}>
            <td><i class="swatch" style={{ background: `light-dark(${colourOf(agent, false)}, ${colourOf(agent, true)})` }} aria-hidden="true" /> <Said text={agent} limit={60} /></td>
            <td>{each === undefined ? "" : <FactLink fact={each} />}</td>
            <td>{worker === 0 ? "main" : `worker ${worker}`}</td>
            <td class="num">{number(cycle)}</td>
            <td class="num">{span(ms)}{to === undefined ? " so far" : ""}</td>
            <td>{discarded === undefined ? "" : <code class="badText">{discarded}</code>}{attempts > 1 ? ` ${attempts} attempts` : ""}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const Lanes = ({ timeline, shown }: { readonly timeline: Timeline; readonly shown: Window }) => (
  <p class="soft">
    {timeline.lanes.map((lane, index) => (
      <span key={lane.name}>{index === 0 ? "Busy: " : ", "}{lane.name} {Math.round(100 * busyPart(lane, shown.from, shown.to))} %</span>
    ))}
  </p>
)

export const TimelineView = () => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { cycles, isAsked, older } = useCycles()
  const view = useSignal<Window | undefined>(undefined)
  const hit = useSignal<Hit | undefined>(undefined)
  const places = useRef<ReturnType<typeof draw>>([])
  const dragged = useRef<{ readonly x: number; readonly at: Window } | undefined>(undefined)
  const isLive = job.value !== undefined && !isOver.value
  useEffect(() => (isLive ? needTelemetry() : undefined), [isLive])
  void drawn.value
  const end = isOver.value ? undefined : now.value
  const timeline = useMemo(() => timelineOf(cycles.value, live.values(), end), [cycles.value, drawn.value, end])
  const shown = view.value ?? { from: timeline.from, to: timeline.to + (timeline.to - timeline.from) * 0.02 }
  const redraw = (): void => {
    if (canvas.current !== null) places.current = draw(canvas.current, timeline, shown, hit.value?.bar.key, end ?? timeline.to)
  }
  useEffect(redraw)
  useSignalEffect(() => {
    void hit.value
    redraw()
  })
  useEffect(() => {
    const observer = new ResizeObserver(redraw)
    if (canvas.current !== null) observer.observe(canvas.current)
    return () => observer.disconnect()
  })
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
  const partOf = (event: MouseEvent): number => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect()
    return Math.min(1, Math.max(0, (event.clientX - box.left - nameWidth) / (box.width - nameWidth)))
  }
  const keys: Readonly<Record<string, () => void>> = {
    "+": () => zoom(0.6),
    "=": () => zoom(0.6),
    "-": () => zoom(1 / 0.6),
    ArrowLeft: () => pan(-0.2),
    ArrowRight: () => pan(0.2),
    "0": () => (view.value = undefined)
  }
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
      <div class="toolbar" role="toolbar" aria-label="Timeline">
        <button type="button" onClick={() => zoom(0.6)} aria-label="Zoom in">+</button>
        <button type="button" onClick={() => zoom(1 / 0.6)} aria-label="Zoom out">−</button>
        <button type="button" onClick={() => (view.value = undefined)}>all</button>
        <button type="button" disabled={(cycles.value[0]?.cycle ?? 1) <= 1} onClick={() => void older()}>earlier cycles</button>
        <span class="soft">
          {cycles.value.length === 0 ? "live" : `cycles ${number(cycles.value[0]?.cycle ?? 0)} to ${number(cycles.value.at(-1)?.cycle ?? 0)}`}
          {` · from ${time(timeline.from)} · `}{plural(timeline.lanes.reduce((sum, { bars }) => sum + bars.length, 0), "task")} of a millisecond or more
        </span>
      </div>
      <div class="timeline">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label="Tasks over time. The table below names the longest."
          onWheel={(event) => {
            if (!event.ctrlKey && Math.abs(event.deltaX) < Math.abs(event.deltaY) && !event.shiftKey && !event.altKey) {
              event.preventDefault()
              zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, partOf(event))
            } else pan(Math.sign(event.deltaX || event.deltaY) * 0.08)
          }}
          onPointerDown={(event) => {
            dragged.current = { x: event.clientX, at: shown }
            event.currentTarget.setPointerCapture(event.pointerId)
          }}
          onPointerUp={(event) => {
            const isClick = dragged.current !== undefined && Math.abs(event.clientX - dragged.current.x) < 4
            dragged.current = undefined
            if (isClick && hit.value !== undefined) goToCycle(hit.value.bar.cycle)
          }}
          onPointerMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect()
            const { current } = dragged
            if (current !== undefined && event.buttons > 0) {
              const by = ((current.x - event.clientX) / (box.width - nameWidth)) * (current.at.to - current.at.from)
              view.value = { from: current.at.from + by, to: current.at.to + by }
              return
            }
            const [x, y] = [event.clientX - box.left, event.clientY - box.top]
            const found = places.current.find((it) => x >= it.x - 1 && x <= it.x + it.w + 1 && y >= it.y && y <= it.y + laneHeight - 6)
            if (found?.bar.key !== hit.value?.bar.key) hit.value = found === undefined ? undefined : { bar: found.bar, x, y }
          }}
          onPointerLeave={() => (hit.value = undefined)}
          onKeyDown={(event) => {
            const act = keys[event.key]
            if (act === undefined) return
            event.preventDefault()
            act()
          }}
        />
        {hit.value === undefined ? null : (
          <div class="tip" style={{ left: `${Math.max(4, hit.value.x - 20)}px`, top: `${hit.value.y + 22}px` }}>
            <b><Said text={hit.value.bar.agent} limit={60} /></b>
            {hit.value.bar.each === undefined ? null : <> <Said text={`${hit.value.bar.each.kind}/${hit.value.bar.each.id}`} limit={80} /></>}
            <br />
            {span((hit.value.bar.to ?? now.value) - hit.value.bar.from)}
            {hit.value.bar.to === undefined ? " so far" : ""} · cycle {number(hit.value.bar.cycle)}
            {hit.value.bar.queued === undefined ? "" : ` · waited ${span(Math.max(0, hit.value.bar.from - hit.value.bar.queued))}`}
            {hit.value.bar.attempts > 1 ? ` · ${hit.value.bar.attempts} attempts` : ""}
            {hit.value.bar.discarded === undefined ? null : <> · <b>{hit.value.bar.discarded}</b></>}
          </div>
        )}
      </div>
      <Lanes timeline={timeline} shown={shown} />
      <Longest timeline={timeline} />
    </>
  )
}
