/**
 * The event log, newest last, as it comes. Only the events in memory are shown; the log itself may be longer.
 *
 * Events carry no times. When their cycles began and were committed comes from the job's timeline, for the rows in sight.
 *
 * Events are read in batches and the page is drawn once a frame, so ten thousand events a second cost no more than ten.
 */
import { signal, useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { type Answer, type ErrorJson, ofJob, readLines } from "./api.ts"
import { cycleTime, type EventTime, eventTime, wantTimes } from "./eventTimes.ts"
import { brief, exactTime, number, plural, since, span } from "./format.ts"
import { at, job, jobId } from "./jobStore.ts"
import { onceAFrame, pause } from "./browser.ts"
import { EventBuffer } from "./eventBuffer.ts"
import { ClosePane, Empty, messageOf, Said } from "./parts.tsx"
import { Sides } from "./Sides.tsx"
import { beginning } from "./text.ts"
import { Value } from "./ValueView.tsx"
import { VirtualList } from "./virtual.tsx"

interface Event {
  readonly _tag: string
  readonly seq?: number
  readonly cycle?: number
  readonly [field: string]: unknown
}

/** Events that the page remembers, and characters of them; older ones go first. */
const buffer = new EventBuffer<Event>({ events: 50_000, characters: 33_554_432 })
const drawn = signal(0)
const draw = onceAFrame(() => drawn.value++)

const take = (events: ReadonlyArray<Event>, length: number): void => {
  buffer.add(events, length)
  draw()
}

/** Reads on, from the last event, until the page goes elsewhere. */
const follow = async (id: string, abort: AbortSignal): Promise<void> => {
  buffer.clear()
  drawn.value++
  while (!abort.aborted) {
    const after = buffer.events.findLast(({ seq }) => seq !== undefined)?.seq ?? 0
    const answer = await readLines<Event>(
      ofJob(id, "/events?brief=true"),
      { headers: { "last-event-id": String(after) }, signal: abort },
      take
    )
    if (answer === undefined || buffer.events.at(-1)?._tag === "JobHalted") return
    if (answer.ok && answer.value === "nothing") return
    await pause(1_000, abort)
  }
}

interface Ref {
  readonly kind: string
  readonly id: string
}

/** The name of a fact in a line. An id may be empty. */
const nameOf = ({ id, kind }: Ref, most: number): string =>
  `${beginning(kind, 40)}/${id === "" ? "(empty)" : beginning(id, most)}`

const isRefs = (value: unknown): value is ReadonlyArray<Ref> => Array.isArray(value)

const refsOf = (event: Event): string => {
  const facts = event["facts"] ?? event["seeds"]
  if (!isRefs(facts)) return ""
  const named = facts.slice(0, 4).map((fact) => nameOf(fact, 60))
  const omitted = typeof event["omitted"] === "number" ? event["omitted"] : 0
  const more = facts.length - named.length + omitted
  return named.join(", ") + (more > 0 ? ` and ${number(more)} more` : "")
}

const text = (value: unknown): string => (typeof value === "string" ? value : "")

const isError = (value: unknown): value is ErrorJson => typeof value === "object" && value !== null && "_tag" in value

/** A cause in words: its tag, and its message if it has one. */
const causeOf = (cause: unknown): string => {
  if (!isError(cause)) return brief(cause, 300)
  const message = messageOf(cause)
  return message === "" ? cause._tag : `${cause._tag}: ${beginning(message, 300)}`
}

/** How an event looks: it begins a cycle, is a problem, or is what one expects. */
const lookOf = ({ _tag, cause, status }: Event): string => {
  switch (_tag) {
    case "CycleStarted":
    case "JobStarted":
      return "begins"
    case "TaskDiscarded":
    case "InvariantViolated":
      return "badText"
    case "JobHalted":
      return status === "converged" ? "goodText" : "badText"
    case "TaskSucceeded":
      return "soft"
    default:
      return cause === undefined ? "" : "badText"
  }
}

const isProblem = (event: Event): boolean => lookOf(event) === "badText"

/** The events that a viewer can limit the list to. */
const choices: Readonly<Record<string, (event: Event) => boolean>> = {
  "all events": () => true,
  "without tasks that succeeded": ({ _tag }) => _tag !== "TaskSucceeded",
  "only facts": ({ _tag }) => _tag === "JobStarted" || _tag === "FactsCommitted" || _tag === "SignalAdmitted",
  "only problems": isProblem,
  "only cycles, rests and ends": ({ _tag }) => /^(Job|Cycle|Tier)/.test(_tag)
}

const summaryOf = (event: Event): string => {
  const each = event["each"] as Ref | undefined
  const by = [text(event["agent"]), each === undefined ? "" : nameOf(each, 80)].filter(Boolean).join(" on ")
  switch (event._tag) {
    case "JobStarted":
    case "FactsCommitted":
      return [by, refsOf(event)].filter(Boolean).join(": ")
    case "CycleStarted":
      return `${plural(Number(event["tasks"]), "task")}: ${(event["agents"] as ReadonlyArray<string>).join(", ")}`
    case "TaskDiscarded":
      return `${by}: ${causeOf(event["cause"])}`
    case "SignalAdmitted":
      return `${plural(Number(event["proposals"]), "fact")}${event["cause"] === undefined ? "" : `, discarded: ${causeOf(event["cause"])}`}`
    case "JobHalted":
      return `${text(event["status"])}${event["error"] === undefined ? "" : `: ${causeOf(event["error"])}`}`
    case "IntentCommitted":
    case "IntentAnswered":
      return `${by}: ${text(event["kind"])}`
    case "TierConverged":
      return `tier ${number(Number(event["tier"]))}`
    case "InvariantViolated":
      return `${text(event["name"])}: ${text(event["reason"])}`
    default:
      return by || text(event["name"])
  }
}

interface Count {
  readonly count: number
  readonly dropped: number
  readonly until: number | undefined
  /** The past cycle lies before all events that are here. */
  readonly isBefore: boolean
}

/** How many events there are, and where those are that the page does not have. */
const countLine = ({ count, dropped, isBefore, until }: Count): string => {
  const upTo = until === undefined ? "" : ` up to cycle ${number(until)}`
  if (dropped === 0) return `${plural(count, "event")}${upTo}`
  if (isBefore) return `The events${upTo} are on the server, and no longer here`
  return `${plural(count + dropped, "event")}${upTo}, of which the newest ${number(count)} are here; older events are on the server`
}

/** Asks for one event as it is. */
const fetchEvent = async (jobId: string, seq: number): Promise<Answer<unknown> | undefined> => {
  const abort = new AbortController()
  let found: Event | undefined
  const answer = await readLines<Event>(
    ofJob(jobId, "/events"),
    { headers: { "last-event-id": String(seq - 1) }, signal: abort.signal },
    (events) => {
      found ??= events.find((event) => event.seq === seq)
      if (found !== undefined) abort.abort()
    }
  )
  return found === undefined ? (answer?.ok === false ? answer : undefined) : { ok: true, value: found }
}

/** An event, and all of it if the server cut it. */
const Whole = ({ event, jobId }: { readonly event: Event; readonly jobId: string }) => {
  const whole = useSignal<unknown>(undefined)
  const isBusy = useSignal(false)
  const { isBrief, omitted, seq } = event
  const isCut = isBrief === true && whole.value === undefined
  return (
    <>
      {isCut ? (
        <p class="cutNote">
          <small>
            Long texts are cut
            {typeof omitted === "number" ? `, and ${plural(omitted, "fact")} left out` : ""}.
          </small>{" "}
          <button
            type="button"
            disabled={isBusy.value}
            onClick={() => {
              isBusy.value = true
              void fetchEvent(jobId, seq ?? 0).then((answer) => {
                isBusy.value = false
                if (answer?.ok === true) whole.value = answer.value
              })
            }}
          >
            show the whole event
          </button>
        </p>
      ) : null}
      {isError(event["cause"]) ? <Sides error={event["cause"]} /> : null}
      <Value key={String(isCut)} value={whole.value ?? event} isMain />
    </>
  )
}

/** The events that the page shows: those that are chosen, up to the cycle that it shows. */
const shownEvents = (choice: string, until: number | undefined): ReadonlyArray<Event> => {
  const isChosen = choices[choice]
  const { events } = buffer
  if (choice === "all events" && until === undefined) return events
  return events.filter((event) => (event.cycle ?? 0) <= (until ?? Infinity) && (isChosen?.(event) ?? true))
}

/** A time after the job's start. A clock that was set back gives a time before it, of which the length would be wrong. */
const sinceStart = (at: number): string | undefined => {
  const created = job.value?.createdAt
  return created === undefined || at < created ? undefined : since(at - created)
}

/** Why a time is only a bound. */
const boundNote = "it began before that; its beginning is recorded only of cycles with a task of a millisecond or more"

const TimeCell = ({ time }: { readonly time: EventTime | undefined }) => {
  if (time === undefined) return <small class="num" />
  const { at, isBound } = time
  return (
    <small class="num" title={isBound ? `${exactTime(at)}: ${boundNote}` : exactTime(at)}>
      {isBound ? <span class="soft">by </span> : ""}
      {sinceStart(at) ?? exactTime(at)}
    </small>
  )
}

/** Some events say nothing more than their name. */
const Summary = ({ text }: { readonly text: string }) => (text === "" ? null : <Said text={text} limit={300} />)

const EventRow = ({ event }: { readonly event: Event }) => (
  <>
    <small class="num">{event.seq ?? ""}</small>
    <TimeCell time={eventTime(event._tag, event.cycle ?? 0)} />
    <small class="num">{event.cycle ?? ""}</small>
    <b class={lookOf(event)}>{event._tag}</b>
    <span class="cut">
      <Summary text={summaryOf(event)} />
    </span>
  </>
)

/** The names of the columns. The name of the list has them for those who do not see it. */
const Heads = () => (
  <div class="eventHeads" aria-hidden="true">
    <small class="num" title="The number of the event">
      no.
    </small>
    <small class="num" title="Since the job's start: when a cycle began, and when what it did was committed">
      time
    </small>
    <small class="num">cycle</small>
    <small>event</small>
    <small>what</small>
  </div>
)

const At = ({ at }: { readonly at: number }) => {
  const after = sinceStart(at)
  return (
    <>
      <time dateTime={new Date(at).toISOString()}>{exactTime(at)}</time>
      {after === undefined ? null : `, ${after} after the job's start`}
    </>
  )
}

/** When the event happened, in words. */
const When = ({ event: { _tag, cycle = 0 } }: { readonly event: Event }) => {
  const time = eventTime(_tag, cycle)
  if (time === undefined) return <p class="soft when">No time is recorded of this event.</p>
  const of = cycleTime(cycle)
  if (_tag === "JobStarted" || _tag === "JobHalted" || of === undefined)
    return (
      <p class="soft when">
        <At at={time.at} />
      </p>
    )
  return (
    <p class="soft when">
      Cycle {number(cycle)}{" "}
      {of.began === undefined ? null : (
        <>
          began <At at={of.began} />, and{" "}
        </>
      )}
      was committed {of.tookMs === undefined ? <At at={of.committed} /> : `${span(of.tookMs)} later`}.
      {of.began === undefined ? " Its beginning is not recorded: no task of it took a millisecond." : ""}
    </p>
  )
}

/** The cycles of some rows, in order, each once. */
const cyclesIn = (events: ReadonlyArray<Event>, first: number, last: number): ReadonlyArray<number> => {
  const cycles = new Set<number>()
  for (let index = first; index < last; index++) {
    const cycle = events[index]?.cycle ?? 0
    if (cycle > 0) cycles.add(cycle)
  }
  return [...cycles]
}

const Choice = ({ chosen, onChoose }: { readonly chosen: string; readonly onChoose: (name: string) => void }) => (
  <label>
    <span class="hidden">Which events</span>
    <select value={chosen} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
      {Object.keys(choices).map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  </label>
)

export const EventsView = () => {
  const id = jobId.value
  const chosen = useSignal<Event | undefined>(undefined)
  const choice = useSignal("all events")
  useEffect(() => {
    if (id === undefined) return undefined
    const abort = new AbortController()
    void follow(id, abort.signal)
    return () => abort.abort()
  }, [id])
  void drawn.value
  const { dropped, events } = buffer
  if (events.length === 0)
    return <Empty>{job.value?.state === "queued" ? "The job waits to begin." : "No event yet."}</Empty>
  const until = at.value
  const shown = shownEvents(choice.value, until)
  const place = chosen.value === undefined ? -1 : shown.indexOf(chosen.value)
  const isChosen = place !== -1
  return (
    <div class={isChosen ? "split chosen" : "split"}>
      <div class="list">
        <div class="toolbar">
          <p class="soft">
            {choice.value === "all events"
              ? countLine({ count: shown.length, dropped, until, isBefore: shown.length === 0 })
              : `${plural(shown.length, "event")}${until === undefined ? "" : ` up to cycle ${number(until)}`}`}
          </p>
          <Choice chosen={choice.value} onChoose={(name) => (choice.value = name)} />
        </div>
        {shown.length === 0 ? (
          <Empty>No event is of this sort.</Empty>
        ) : (
          <>
            <Heads />
            <VirtualList
              class="events"
              label="events: number, time since the job's start, cycle, event, what"
              count={shown.length}
              onShow={(first, last) => wantTimes(cyclesIn(shown, first, last))}
              rowHeight={30}
              keyOf={(index) => String(shown[index]?.seq ?? `place ${index}`)}
              row={(index) => <EventRow event={shown[index]!} />}
              chosen={place}
              onChoose={(index) => (chosen.value = shown[index])}
              onOpen={() => undefined}
            />
          </>
        )}
      </div>
      <section class={isChosen ? "side sheet" : "side"} aria-label="the chosen event">
        {chosen.value === undefined || place === -1 ? (
          <Empty>Choose an event to see all of it.</Empty>
        ) : (
          <>
            <ClosePane name="Close the event" of="events" onClose={() => (chosen.value = undefined)} />
            <When event={chosen.value} />
            <Whole key={chosen.value.seq} event={chosen.value} jobId={id ?? ""} />
          </>
        )}
      </section>
    </div>
  )
}
