/**
 * A recorded job that answers as the server does: the same paths, and the same values.
 *
 * The record has every fact that was committed, in commit order. The facts as of a cycle are those up to its version, without
 * those that a later one replaced or that retention pruned. Derivations go by the same rule as `Provenance.explain`, and
 * lineage by the rules of the server themselves; a test compares every answer with the server's.
 *
 * Boundary: pure; a path in, a value or a problem out. recorded.ts finds the record.
 */
import { causesAmong, type Past, relatedIn } from "../../context/following.ts"
import { taskKey } from "../../context/taskKey.ts"
import { cutStory, cutValue } from "../../server/previews.ts"
import type { JobRecord, RecordedFact, RecordedPast, RecordedPoint } from "../../server/jobRecord.ts"
import { Examination, type RepeatedFailure } from "../../outcome/diagnosis.ts"
import type { JobEvent } from "../../outcome/JobEvent.ts"
import type * as Insight from "../../server/insightShapes.ts"
import type * as Shapes from "../../server/shapes.ts"
import type { Answer } from "./answer.ts"
import { atOnce } from "./atOnce.ts"
import { own } from "./own.ts"
import { numberIn, pageOf } from "./pages.ts"

type Fact = typeof Shapes.Fact.Type
type FactRef = typeof Shapes.FactRef.Type
type Explanation = typeof Shapes.Explanation.Type

/** The nodes of a derivation, as `Limits.explainNodes` has it. */
const mostNodes = 10_000
/** The direct causes that a lineage names of a fact, as `Limits.lineageCauses` has it. */
const mostCauses = 50

const refKey = ({ id, kind }: FactRef): string => `${JSON.stringify(kind)}/${id}`

/** A fact as the rules of lineage take it. */
interface Committed {
  readonly fact: RecordedFact
}

const ok = <A>(value: A): Answer<A> => ({ ok: true, value })

const no = (status: number, title: string, detail = ""): Answer<never> => ({
  ok: false,
  problem: { status, title, detail }
})

const shown = ({ id, kind, provenance, value }: RecordedFact): Fact => ({
  kind,
  id,
  value: value as Fact["value"],
  provenance
})

/** The context after a cycle. */
interface Context {
  readonly past: RecordedPast
  readonly cycle: number
  readonly version: number
  readonly hash: string
  /** The facts that are there, in commit order. */
  readonly live: ReadonlyArray<RecordedFact>
}

const versionOf = (fact: RecordedFact): number => fact.provenance.version

/** The place of the first fact after a version. */
const firstAfter = (facts: ReadonlyArray<RecordedFact>, version: number): number => {
  let [low, high] = [0, facts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((facts[middle]?.provenance.version ?? 0) > version) high = middle
    else low = middle + 1
  }
  return low
}

/** The facts of one past, and their causes. */
class FactIndex {
  readonly #past: RecordedPast
  readonly #ofKind = new Map<string, Array<RecordedFact>>()

  constructor(past: RecordedPast) {
    this.#past = past
    for (const fact of past.facts) {
      const same = this.#ofKind.get(fact.kind)
      if (same === undefined) this.#ofKind.set(fact.kind, [fact])
      else same.push(fact)
    }
  }

  #at(version: number): RecordedFact | undefined {
    const { facts } = this.#past
    const fact = facts[firstAfter(facts, version - 1)]
    return fact?.provenance.version === version ? fact : undefined
  }

  /** The reasons of a fact, or the facts that made its task eligible, as they were then. */
  causesOf({ provenance }: RecordedFact): ReadonlyArray<RecordedFact> {
    const { agent, because, each, origin, since, until, version } = provenance
    if (origin !== "agent") return []
    if (because !== undefined) return because.flatMap((position) => this.#at(position) ?? [])
    if (each !== undefined) {
      const cause = this.#between(each.kind, since, until).findLast(({ id }) => id === each.id)
      return cause === undefined ? [] : [cause]
    }
    const { triggers } = this.#past
    const story = triggers.find((story) => version <= story.version) ?? triggers.at(-1)
    const seen = (own(story?.kinds ?? {}, agent) ?? []).flatMap((kind) => this.#between(kind, since, until))
    const latest = new Map(seen.map((fact) => [refKey(fact), fact]))
    return [...latest.values()].sort((a, b) => versionOf(a) - versionOf(b))
  }

  #between(kind: string, since: number, until: number): ReadonlyArray<RecordedFact> {
    const facts = this.#ofKind.get(kind) ?? []
    return facts.slice(firstAfter(facts, since), firstAfter(facts, until))
  }
}

/** The fact that a query names: its id as it is, or as a string of JSON. */
const refIn = (query: URLSearchParams): FactRef => {
  const json = query.get("factJson")
  return { kind: query.get("kind") ?? "", id: json === null ? (query.get("fact") ?? "") : String(JSON.parse(json)) }
}

/** Cuts the values of facts as a query asks for it. */
const cutting = (query: URLSearchParams) => {
  const most = numberIn(query, "valueLength")
  return (fact: RecordedFact): Fact => cutValue(shown(fact), most)
}

/** The answer about the tasks of a job that no server held when it was recorded. */
const noTasks: Omit<typeof Insight.TasksNow.Type, "now"> = {
  cycle: 0,
  tasks: 0,
  running: [],
  waiting: [],
  waits: 0,
  began: null,
  ended: [],
  ends: 0,
  pool: { waiting: 0, busy: 0, size: 0 },
  since: null,
  spentMs: {}
}

const unknownFact = ({ id, kind }: FactRef): Answer<never> =>
  no(404, "The fact is not known", `${kind}/${id} is not in the record as of this cycle`)

/** The number of facts of each kind, in the order of their names. */
const counted = (facts: ReadonlyArray<RecordedFact>): Readonly<Record<string, number>> => {
  const counts = new Map<string, number>()
  for (const { kind } of facts) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The intents without an answer at a point of a past. */
const unansweredAt = ({ points }: RecordedPast, point: RecordedPoint | undefined) => {
  let place = point === undefined ? -1 : points.indexOf(point)
  while (points[place]?.unanswered === "before") place--
  const found = points[place]?.unanswered
  return found === undefined || found === "before" ? [] : found
}

/** The events of a record, with facts in the places of their versions. */
const withFacts = ({ events, pasts: [past] }: JobRecord): ReadonlyArray<JobEvent> => {
  const known = new Map(past?.facts.map((fact) => [versionOf(fact), shown(fact)]))
  const whole = (fact: unknown): unknown => (typeof fact === "number" ? known.get(fact) : fact)
  // The recorder wrote the events: only their facts are told in another way.
  return (events as ReadonlyArray<JobEvent>).map((event) => {
    if (event._tag === "FactsCommitted") return { ...event, facts: event.facts.map(whole) } as JobEvent
    return event._tag === "JobStarted" ? ({ ...event, seeds: event.seeds.map(whole) } as JobEvent) : event
  })
}

export class RecordedJob {
  readonly record: JobRecord
  readonly #indexes = new Map<RecordedPast, FactIndex>()
  #newest: Context | undefined
  #told: ReadonlyArray<JobEvent> | undefined

  constructor(record: JobRecord) {
    this.record = record
  }

  /** Answers a request for a path below `api/v1/`. */
  answer(path: string): Answer<unknown> {
    const [place = "", search = ""] = path.split("?", 2)
    const query = new URLSearchParams(search)
    const [first, id, ...below] = place.split("/")
    const { approvals, programs } = this.record
    if (first === "programs") return ok({ programs })
    if (first === "approvals") return ok({ approvals, unread: [], cursor: null, previous: null })
    if (first === "me") return ok({ name: null, scopes: ["read"], programs: null })
    if (first !== "jobs") return no(404, "The record has no such page")
    if (id === undefined) return ok(this.#listed(query))
    if (decodeURIComponent(id) !== this.record.job.jobId)
      return no(404, "The job is not known", "The record is of another job.")
    return this.#ofJob(below.join("/"), query)
  }

  #listed(query: URLSearchParams) {
    const { children, hasMoreChildren, job, summary } = this.record
    const parent = query.get("parent")
    if (parent !== null) {
      const jobs = parent === job.jobId ? children : []
      return { jobs, cursor: hasMoreChildren && jobs.length > 0 ? "more" : null, previous: null }
    }
    const { attributes = {}, createdAt, error, jobId, program, state } = summary
    const [since = 0, until = Infinity] = [numberIn(query, "since"), numberIn(query, "until")]
    const attribute = query.get("attribute")
    const isTagged = Object.entries(attributes).some(([name, value]) => `${name}:${value}` === attribute)
    const wanted = (query.get("q") ?? "").toLowerCase()
    const status = query.get("status") ?? ""
    const isOf = status === "" || status === state || (status === "unfinished" && summary.haltedAt === null)
    const isFound = [jobId, program, error ?? ""].some((text) => text.toLowerCase().includes(wanted))
    const isOfProgram = (query.get("program") ?? program) === program
    const isOfAge = since <= createdAt && createdAt <= until
    const isListed = isOf && isFound && isOfProgram && isOfAge && (attribute === null || isTagged)
    const jobs = isListed ? [summary] : []
    return { jobs, cursor: null, previous: null }
  }

  #ofJob(what: string, query: URLSearchParams): Answer<unknown> {
    const { approvals, input, job } = this.record
    switch (what) {
      case "":
        return ok(job)
      case "diagnosis":
        return this.#diagnosis(query)
      case "input":
        return ok(input)
      case "approvals":
        return ok({ approvals, unread: [], cursor: null, previous: null })
      case "tasks":
        return ok({ ...noTasks, now: this.record.recordedAt, cycle: job.cycle, ...this.record.tasks })
      case "timeline":
        return ok(this.#timeline(query))
      case "work":
        return this.#work(query)
      case "diff":
        return this.#diff(query)
    }
    const at = numberIn(query, "at")
    const context = this.#contextAt(at)
    if (context === undefined)
      return no(404, "The job has no such cycle", `The last cycle of the record is ${job.cycle}.`)
    switch (what) {
      case "kinds":
        return ok(this.#kinds(context, at))
      case "facts":
        return ok(this.#facts(context, query))
      case "replay":
        return ok(this.#replay(context))
      case "explain":
        return this.#explain(context, query)
      case "intents":
        return ok(intentsAt(this.record, context.cycle, query))
      case "lineage":
        return this.#lineage(context, query)
      case "history": {
        const { id, kind } = refIn(query)
        const { past, version } = context
        const revisions = past.facts
          .slice(0, firstAfter(past.facts, version))
          .filter((fact) => fact.kind === kind && fact.id === id)
        return ok({ revisions: revisions.map(cutting(query)), cursor: null, previous: null })
      }
      default:
        return no(404, "The record has no such page")
    }
  }

  /** The events after a number, oldest first. */
  eventsAfter(after: number): ReadonlyArray<unknown> {
    return this.#events.filter((event) => event.seq > after)
  }

  /** The events with their facts. In the record they have the versions of those that its only past has. */
  get #events(): ReadonlyArray<JobEvent> {
    return (this.#told ??= withFacts(this.record))
  }

  /** The diagnosis of the newest events, or of those up to a cycle. The record may lack the oldest ones. */
  #diagnosis(query: URLSearchParams): Answer<unknown> {
    const at = numberIn(query, "at")
    if (at === undefined) return ok(this.record.diagnosis)
    const examination = new Examination()
    for (const event of this.#events) if (event.cycle <= at) examination.add(event)
    const { decisions, error, failure, failures, status, ...rest } = examination.result
    const { child } = this.record.diagnosis
    const failureJson = (failed: RepeatedFailure) => ({ ...failed, each: failed.each ?? null })
    return ok({
      ...rest,
      headline: examination.pastLine,
      status: status ?? null,
      error: error ?? null,
      stack: null,
      ...(error === undefined || child === undefined ? {} : { child }),
      failure: failure === undefined ? null : failureJson(failure),
      failures: failures.map(failureJson),
      decisions: decisions.map(({ question, ...decision }) => ({ ...decision, question: question ?? null })),
      standing: examination.standing
    })
  }

  /** The record has the times of the whole job, and not those up to a cycle. */
  #work(query: URLSearchParams): Answer<unknown> {
    const { work } = this.record
    if (work === undefined || numberIn(query, "at") !== undefined) return no(404, "The record has no such times")
    return ok(query.get("agents") === "true" ? work : { ...work, agents: {} })
  }

  #timeline(query: URLSearchParams) {
    const { cursor, items, previous } = pageOf(this.record.timeline, ({ cycle }) => cycle, query, "after")
    return { cycles: items, cursor, previous }
  }

  #contextAt(at: number | undefined): Context | undefined {
    const { job, pasts } = this.record
    if (at === undefined || at === job.cycle) return (this.#newest ??= this.#made(pasts.at(-1), job.cycle))
    // The last cycle before a migration belongs to the past that committed it.
    return this.#made(
      pasts.find(({ points }) => points.some(({ cycle }) => cycle === at)),
      at
    )
  }

  #made(past: RecordedPast | undefined, at: number): Context | undefined {
    const point = past?.points.find(({ cycle }) => cycle === at)
    if (past === undefined || point === undefined) return undefined
    const { cycle, hash, version } = point
    const found = new Map<string, RecordedFact>()
    for (const fact of past.facts.slice(0, firstAfter(past.facts, version))) found.set(refKey(fact), fact)
    const pruned = new Set(past.pruned.slice(0, point.pruned))
    const live = [...found.values()].filter((fact) => !pruned.has(versionOf(fact)))
    return { past, cycle, version, hash, live: live.sort((a, b) => versionOf(a) - versionOf(b)) }
  }

  #indexOf(past: RecordedPast): FactIndex {
    let index = this.#indexes.get(past)
    if (index === undefined) this.#indexes.set(past, (index = new FactIndex(past)))
    return index
  }

  /** The job after a cycle. The console reads no marks. An unfinished job has only its intents without an answer. */
  #replay({ cycle, live, past, version }: Context) {
    const { diagnostics, input, job } = this.record
    const point = past.points.find((other) => other.cycle === cycle)
    const unanswered = unansweredAt(past, point)
    return {
      jobId: job.jobId,
      program: job.program,
      cycle,
      version,
      hash: point?.hash,
      tier: point?.tier,
      usage: point?.usage,
      input: input.input,
      facts: counted(live),
      intents: (job.result?.intents ?? unanswered).filter((intent) => intent.cycle <= cycle),
      unanswered,
      diagnostics: diagnostics.filter((diagnostic) => diagnostic.cycle <= cycle)
    }
  }

  #kinds({ cycle, live }: Context, at: number | undefined) {
    if (at === undefined) return { cycle, kinds: this.record.kinds }
    return { cycle, kinds: counted(live) }
  }

  #facts({ live, version }: Context, query: URLSearchParams) {
    const kind = query.get("kind") ?? ""
    const wanted = (query.get("q") ?? "").toLowerCase()
    const isFound = ({ id, value }: RecordedFact): boolean =>
      [id, JSON.stringify(id), JSON.stringify(value)].some((text) => text.toLowerCase().includes(wanted))
    const found = live.filter((fact) => (kind === "" || fact.kind === kind) && (wanted === "" || isFound(fact)))
    const after = numberIn(query, "cursor") ?? 0
    const offset = numberIn(query, "offset") ?? 0
    const listed = offset === 0 ? found : found.slice(firstAfter(found, after) + offset)
    const { cursor, items, previous } = pageOf(listed, versionOf, query)
    return { facts: items.map(cutting(query)), version, cursor, previous }
  }

  #diff(query: URLSearchParams): Answer<unknown> {
    const before = this.#contextAt(numberIn(query, "from") ?? 0)
    const after = this.#contextAt(numberIn(query, "to"))
    if (before === undefined || after === undefined) return no(400, "The job has no such cycle")
    const kind = query.get("kind") ?? ""
    const isOfKind = (fact: RecordedFact): boolean => kind === "" || fact.kind === kind
    const left = new Map(before.live.filter(isOfKind).map((fact) => [refKey(fact), fact]))
    const counts = { added: 0, revised: 0, removed: 0 }
    const cut = cutting(query)
    const changes: Array<{
      readonly change: keyof typeof counts
      readonly before: Fact | null
      readonly after: Fact | null
    }> = []
    const add = (change: keyof typeof counts, was: RecordedFact | undefined, is: RecordedFact | undefined): void => {
      counts[change]++
      changes.push({
        change,
        before: was === undefined ? null : cut(was),
        after: is === undefined ? null : cut(is)
      })
    }
    for (const fact of after.live.filter(isOfKind)) {
      const earlier = left.get(refKey(fact))
      left.delete(refKey(fact))
      if (earlier === undefined) add("added", undefined, fact)
      else if (versionOf(earlier) !== versionOf(fact) || JSON.stringify(earlier.value) !== JSON.stringify(fact.value)) {
        add("revised", earlier, fact)
      }
    }
    for (const fact of left.values()) add("removed", fact, undefined)
    const pointOf = ({ cycle, hash, version }: Context) => ({ jobId: this.record.job.jobId, cycle, version, hash })
    const numbers = new Map(changes.map((change, index) => [change, index + 1]))
    const { cursor, items, previous } = pageOf(changes, (change) => numbers.get(change) ?? 0, query)
    return ok({ from: pointOf(before), to: pointOf(after), counts, changes: items, cursor, previous })
  }

  #explain({ live, past }: Context, query: URLSearchParams): Answer<Explanation> {
    const ref = refIn(query)
    const cut = cutting(query)
    const root = live.find(({ id, kind }) => kind === ref.kind && id === ref.id)
    if (root === undefined) return unknownFact(ref)
    interface Node {
      readonly fact: RecordedFact
      readonly causes: Array<number>
      omitted: number
    }
    const index = this.#indexOf(past)
    const nodes: Array<Node> = [{ fact: root, causes: [], omitted: 0 }]
    const seen = new Set([versionOf(root)])
    const known = new Map<string, number>()
    for (let next = 0; next < nodes.length; next++) {
      const node = nodes[next]
      if (node === undefined) break
      const task = taskKey(node.fact)
      const count = known.get(task)
      if (count !== undefined) {
        node.omitted = count
        continue
      }
      const causes = index.causesOf(node.fact)
      known.set(task, causes.length)
      for (const cause of causes) {
        if (nodes.length >= mostNodes || seen.has(versionOf(cause))) {
          node.omitted++
          continue
        }
        seen.add(versionOf(cause))
        node.causes.push(nodes.length)
        nodes.push({ fact: cause, causes: [], omitted: 0 })
      }
    }
    const traceOf = ({ trace }: RecordedFact): Explanation["nodes"][number]["trace"] =>
      (trace === undefined ? null : (past.traces[trace] ?? null)) as Explanation["nodes"][number]["trace"]
    return ok({
      nodes: nodes.map(({ causes, fact, omitted }) => ({ ...cut(fact), trace: traceOf(fact), causes, omitted }))
    })
  }

  #lineage({ live, past, version }: Context, query: URLSearchParams): Answer<unknown> {
    const ref = refIn(query)
    const relation = query.get("without") === "true" ? "needs" : "follows"
    const isRoot = ({ id, kind }: FactRef): boolean => kind === ref.kind && id === ref.id
    const index = this.#indexOf(past)
    const versions = new Set(live.map(versionOf))
    const whole: Past<RecordedFact, Committed> = {
      history: past.facts.slice(0, firstAfter(past.facts, version)).map((fact) => ({ fact })),
      causesOf: (fact) => index.causesOf(fact),
      isLive: (fact) => versions.has(versionOf(fact))
    }
    // The page of a record has no server whose turns it could take.
    const related = atOnce(relatedIn(whole, isRoot, relation))
    if (related === undefined) return unknownFact(ref)
    const { cursor, items, previous } = pageOf(related.facts, ({ fact }) => versionOf(fact), query)
    const causes = atOnce(causesAmong(whole, related, isRoot, items, mostCauses))
    const cut = cutting(query)
    const facts = items.map(({ fact }, place) => ({ ...cut(fact), ...causes[place] }))
    return ok({ fact: ref, relation, count: related.facts.length, facts, version, cursor, previous })
  }
}

/** The intents as of a cycle. An answer that came later was waited for. */
const intentsAt = ({ intents: { count, stories }, job }: JobRecord, cycle: number, query: URLSearchParams) => {
  const isLast = cycle === job.cycle
  const numbered = stories.flatMap((story, index) =>
    story.cycle <= cycle ? [{ story: isLast ? story : storyAt(story, cycle), number: index + 1 }] : []
  )
  const { cursor, items, previous } = pageOf(numbered, (item) => item.number, query)
  return {
    cycle,
    count: isLast ? count : numbered.length,
    waiting: numbered.filter(({ story }) => story.state === "waits").length,
    intents: items.map(({ story }) => cutStory(story, numberIn(query, "valueLength"))),
    cursor,
    previous
  }
}

type Story = JobRecord["intents"]["stories"][number]

const storyAt = (story: Story, cycle: number): Story => {
  const { answer, kind, state } = story
  const isOpen = state === "waits" || state === "left" || (answer !== null && answer.cycle > cycle)
  if (!isOpen) return story
  const waitsFor = kind === "Approval" ? "decision" : kind === "ChildJob" ? "child" : "handler"
  return { ...story, state: "waits", waitsFor, answer: null }
}
