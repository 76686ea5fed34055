/**
 * The event log, newest last, as it comes. Only the events in memory are shown; the log itself may be longer.
 *
 * Events are read in batches and the page is drawn once a frame, so ten thousand events a second cost no more than ten.
 */
import { signal, useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ofJob, readLines } from "./api.ts"
import { brief, number, plural } from "./format.ts"
import { at, job, jobId } from "./jobStore.ts"
import { onceAFrame, pause } from "./browser.ts"
import { EventBuffer } from "./eventBuffer.ts"
import { Empty, Said } from "./parts.tsx"
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
      ofJob(id, "/events"),
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

const isRefs = (value: unknown): value is ReadonlyArray<Ref> => Array.isArray(value)

const refsOf = (event: Event): string => {
  const facts = event["facts"] ?? event["seeds"]
  if (!isRefs(facts)) return ""
  const named = facts.slice(0, 4).map(({ id, kind }) => `${kind}/${id}`)
  return (
    named.join(", ") + (facts.length > 4 ? ` and ${plural(facts.length - 4, "more")}`.replace("mores", "more") : "")
  )
}

const text = (value: unknown): string => (typeof value === "string" ? value : "")

const summaryOf = (event: Event): string => {
  const each = event["each"] as Ref | undefined
  const by = [text(event["agent"]), each === undefined ? "" : `${each.kind}/${each.id}`].filter(Boolean).join(" on ")
  switch (event._tag) {
    case "JobStarted":
    case "FactsCommitted":
      return [by, refsOf(event)].filter(Boolean).join(": ")
    case "CycleStarted":
      return `${plural(Number(event["tasks"]), "task")}: ${(event["agents"] as ReadonlyArray<string>).join(", ")}`
    case "TaskDiscarded":
      return `${by}: ${brief(event["cause"], 300)}`
    case "JobHalted":
      return `${text(event["status"])}${event["error"] === undefined ? "" : `: ${brief(event["error"], 300)}`}`
    case "IntentCommitted":
    case "IntentAnswered":
      return `${by}: ${text(event["kind"])}`
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

export const EventsView = () => {
  const id = jobId.value
  const chosen = useSignal(-1)
  useEffect(() => {
    if (id === undefined) return undefined
    const abort = new AbortController()
    void follow(id, abort.signal)
    return () => abort.abort()
  }, [id])
  void drawn.value
  const { dropped, events: list } = buffer
  if (list.length === 0)
    return <Empty>{job.value?.state === "queued" ? "The job waits to begin." : "No event yet."}</Empty>
  const event = list[chosen.value - dropped]
  // A page that shows a past cycle shows the events up to it.
  const until = at.value
  const after = until === undefined ? -1 : list.findIndex(({ cycle = 0 }) => cycle > until)
  const count = after === -1 ? list.length : after
  return (
    <div class="split">
      <div>
        <p class="soft">{countLine({ count, dropped, until, isBefore: after === 0 })}</p>
        <VirtualList
          class="events"
          label="events"
          count={count}
          rowHeight={30}
          keyOf={(index) => String(index + dropped)}
          row={(index) => {
            const it = list[index]!
            return (
              <>
                <small class="num">{it.seq ?? ""}</small>
                <small class="num">{it.cycle ?? ""}</small>
                <b>{it._tag}</b>
                <span class="cut">
                  <Said text={summaryOf(it)} limit={300} />
                </span>
              </>
            )
          }}
          chosen={chosen.value - dropped}
          onChoose={(index) => (chosen.value = index + dropped)}
          onOpen={() => undefined}
        />
      </div>
      <section class="side" aria-label="the chosen event">
        {event === undefined ? (
          <Empty>Choose an event to see all of it.</Empty>
        ) : (
          <pre tabIndex={0}>{brief(JSON.stringify(event, undefined, 2), 100_000)}</pre>
        )}
      </section>
    </div>
  )
}
