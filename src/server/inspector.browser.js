"use strict"
/**
 * The script of the inspector page: the list of jobs, and for one job its state, its cycles, its events as they come, its
 * facts and where each comes from.
 *
 * It asks only the API of this server, by paths relative to the page's, so it works under any prefix. Invariant: what the
 * server answers is put into the page only as text. Boundary: plain JavaScript for a browser; no build, no library.
 *
 * @typedef {typeof import("./shapes.ts").Job.Type} Job
 * @typedef {typeof import("./shapes.ts").JobPage.Type} JobPage
 * @typedef {typeof import("./shapes.ts").Fact.Type} Fact
 * @typedef {typeof import("./shapes.ts").FactPage.Type} FactPage
 * @typedef {typeof import("./shapes.ts").FactRef.Type} FactRef
 * @typedef {typeof import("./shapes.ts").Explanation.Type} Explanation
 * @typedef {import("../outcome/JobEvent.ts").JobEvent} JobEvent
 * @typedef {{ _tag: "Goodbye" }} Goodbye
 * @typedef {{ _tag: "Missed", from: number, to: number }} Missed
 * @typedef {{ cycle: number, tier: number, tasks: number, agents: ReadonlyArray<string>, facts: number, discarded: number }} Cycle
 * @typedef {{ kind: string, list: Array<Fact>, cursor: string | null }} FactList
 * @typedef {string | Node} Child
 * @typedef {"cycles" | "events" | "facts" | "result"} Tab
 */
const api = "api/v1/jobs"
const shownEvents = 500

/** @param {string} id */
const find = (id) => {
  const element = document.getElementById(id)
  if (element === null) throw new Error("the page has no element " + id)
  return element
}

/**
 * Makes an element. An attribute that is a function listens to the event of its name.
 *
 * @param {string} tag
 * @param {Readonly<Record<string, string | (() => unknown)>>} attributes
 * @param {ReadonlyArray<Child>} children
 */
const make = (tag, attributes, ...children) => {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value)
    else node.setAttribute(name, value)
  }
  node.append(...children)
  return node
}

/** @type {(id: string, ...children: ReadonlyArray<Child>) => void} */
const fill = (id, ...children) => find(id).replaceChildren(...children)

/** @param {number} n */
const number = (n) => n.toLocaleString("en-US")

/** @type {(n: number, word: string) => string} */
const plural = (n, word) => number(n) + " " + word + (n === 1 ? "" : "s")

/** @param {string} id */
const at = (id) => api + "/" + encodeURIComponent(id)

/** @param {FactRef} ref */
const refOf = ({ kind, id }) => kind + "/" + id

let token = sessionStorage.getItem("converge-token") ?? ""
let chosen = decodeURIComponent(location.hash.slice(1))
/** @type {Tab} */
let tab = "cycles"
let watch = new AbortController()
/** @type {Job | undefined} */
let job

/** The events that were read of the chosen job, and the counts made from them. */
class Log {
  /** The number of the newest event. */
  last = 0
  /** @type {Array<JobEvent | Missed>} */
  events = []
  /** @type {Map<number, Cycle>} */
  cycles = new Map()
  /** The number of committed facts of each kind. @type {Map<string, number>} */
  kinds = new Map()
  note = ""
  /** Whether the stream is being read. */
  isRead = false
}

let log = new Log()
/** @type {FactList} */
let facts = { kind: "", list: [], cursor: null }

/**
 * Asks the server. Undefined if it refused or is not there; the page says why.
 *
 * @param {string} path
 * @param {{ readonly method?: string, readonly signal?: AbortSignal, readonly headers?: Readonly<Record<string, string>> }} options
 */
const ask = async (path, options = {}) => {
  const headers = { ...options.headers, ...(token === "" ? {} : { authorization: "Bearer " + token }) }
  let response
  try {
    response = await fetch(path, { ...options, headers })
  } catch (error) {
    // `fetch` rejects with an error.
    const { name } = /** @type {{ readonly name: string }} */ (error)
    if (name !== "AbortError") say("the server does not answer")
    return undefined
  }
  find("access").hidden = response.status !== 401
  if (response.ok) return response
  const problem = await response.json().catch(() => ({}))
  say(response.status + " " + [...new Set([problem.title, problem.detail])].filter(Boolean).join(": "))
  return undefined
}

/** @param {string} text */
const say = (text) => fill("said", text)

/** @param {Job["state"]} state */
const stateOf = (state) => make("span", { class: "state " + state }, state)

/** @param {JobPage} page */
const drawList = ({ jobs }) => {
  const rows = jobs.map(({ jobId, program, state, cycle }) =>
    make(
      "a",
      { href: "#" + encodeURIComponent(jobId), class: jobId === chosen ? "job chosen" : "job" },
      make("b", {}, program),
      stateOf(state),
      make("small", {}, jobId),
      make("small", {}, "cycle " + number(cycle))
    )
  )
  fill("jobs", ...(rows.length === 0 ? [make("p", { class: "hint" }, "No jobs yet. POST one to /api/v1/jobs.")] : rows))
}

const phases = ["eligible", "executing", "merging", "checking"]
const rests = ["queued", "paused", "awaiting", "suspended", "quarantined"]

/** Draws the state of a job in its machine. @param {Job} job */
const drawMachine = (job) => {
  const here = job.state === "running" ? (job.phase ?? "").split(".").at(-1) : job.state
  /** @type {(name: string, extra?: string) => Node} */
  const box = (name, extra) => make("span", { class: (name === here ? "box here " : "box ") + (extra ?? "") }, name)
  const live = rests.includes(job.state) ? job.state : "running"
  const end = ["converged", "budget-exhausted", "failed", "cancelled"].includes(job.state) ? job.state : "halted"
  const arrow = () => make("i", {}, "\u2192")
  const loop = phases.flatMap((phase, index) => (index === 0 ? [box(phase)] : [arrow(), box(phase)]))
  fill("machine", box(live, "outer"), arrow(), make("span", { class: "loop" }, ...loop), arrow(), box(end, end))
}

const buttons = {
  pause: ["running", "queued"],
  resume: ["paused", "suspended", "quarantined"],
  cancel: ["running", "queued", "paused", "awaiting", "suspended", "quarantined"]
}

/** @param {Job} job */
const drawJob = (job) => {
  find("none").hidden = true
  find("one").hidden = false
  fill("title", make("b", {}, job.program), " ", make("small", {}, job.jobId), " ", stateOf(job.state))
  drawMachine(job)
  const { usage } = job
  /** @type {Array<[name: string, value: string]>} */
  const parts = [
    ["cycle", number(job.cycle)],
    ["tier", String(job.tier ?? "")],
    ["hash", job.hash.slice(0, 12)]
  ]
  if (usage !== null) {
    parts.push(
      ["facts", number(usage.facts)],
      ["tasks", number(usage.agents)],
      ["context", number(usage.contextBytes) + " bytes"]
    )
    parts.push(
      ["duration", number(Math.round(usage.durationMs)) + " ms"],
      ["CPU", number(Math.round(usage.cpuMs)) + " ms"]
    )
  }
  fill("numbers", ...parts.map(([name, value]) => make("span", {}, make("small", {}, name), " " + value)))
  for (const [name, states] of Object.entries(buttons)) {
    // The document has a button of each of these names.
    const button = /** @type {HTMLButtonElement} */ (find(name))
    button.disabled = !states.includes(job.state)
  }
}

/** @param {JobEvent} event */
const addEvent = (event) => {
  log.last = event.seq
  log.events.push(event)
  if (log.events.length > shownEvents) log.events.shift()
  if (event._tag === "CycleStarted") log.cycles.set(event.cycle, { ...event, facts: 0, discarded: 0 })
  const cycle = log.cycles.get(event.cycle)
  if (event._tag === "TaskDiscarded" && cycle !== undefined) cycle.discarded++
  const more = event._tag === "FactsCommitted" ? event.facts : event._tag === "JobStarted" ? event.seeds : []
  if (cycle !== undefined && event._tag === "FactsCommitted") cycle.facts += more.length
  for (const { kind } of more) log.kinds.set(kind, (log.kinds.get(kind) ?? 0) + 1)
}

/** @param {Extract<JobEvent, { _tag: "TaskDiscarded" }>["cause"]} cause */
const causeText = (cause) => cause._tag + " " + ("message" in cause ? cause.message : "")

/** An event in a line. @param {JobEvent | Missed} event */
const summaryOf = (event) => {
  const agent = "agent" in event ? event.agent : ""
  const each = "each" in event && event.each !== undefined ? refOf(event.each) : ""
  const by = [agent, each].filter(Boolean).join(" of ")
  switch (event._tag) {
    case "JobStarted":
      return event.program + ", " + plural(event.seeds.length, "seed")
    case "CycleStarted":
      return "tier " + event.tier + ", " + plural(event.tasks, "task") + ": " + event.agents.join(", ")
    case "FactsCommitted":
      return (
        (by === "" ? "a signal" : by) +
        ": " +
        event.facts.slice(0, 4).map(refOf).join(", ") +
        (event.facts.length > 4 ? " and " + number(event.facts.length - 4) + " more" : "")
      )
    case "TaskDiscarded":
      return by + ": " + causeText(event.cause)
    case "IntentCommitted":
    case "IntentAnswered":
      return by + ": " + event.kind
    case "JobHalted":
      return (
        event.status + (event.error === undefined ? "" : ": " + causeText(event.error)) + ", " + event.hash.slice(0, 12)
      )
    case "Missed":
      return "numbers " + event.from + " to " + event.to + " are not kept any more"
    default:
      return by || ("name" in event ? event.name : "tier" in event ? "tier " + event.tier : "")
  }
}

/** @type {(heads: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<Child>>) => Node} */
const table = (heads, rows) =>
  make(
    "table",
    {},
    make("tr", {}, ...heads.map((head) => make("th", {}, head))),
    ...rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell))))
  )

/** @type {Readonly<Record<Tab, (job: Job) => ReadonlyArray<Child>>>} */
const views = {
  cycles: () => [
    table(
      ["cycle", "tier", "tasks", "facts", "discarded", "agents"],
      [...log.cycles.values()]
        .slice(-shownEvents)
        .reverse()
        .map((it) => [
          number(it.cycle),
          String(it.tier),
          number(it.tasks),
          number(it.facts),
          number(it.discarded),
          it.agents.join(", ")
        ])
    )
  ],
  events: () => [
    table(
      ["", "cycle", "event", ""],
      [...log.events].reverse().map((it) => {
        const [seq, cycle] = it._tag === "Missed" ? ["", ""] : [String(it.seq), String(it.cycle)]
        return [seq, cycle, it._tag, summaryOf(it)]
      })
    )
  ],
  facts: () => [
    make(
      "p",
      { class: "kinds" },
      ...["", ...[...log.kinds.keys()].sort()].map((kind) =>
        make(
          "button",
          { class: kind === facts.kind ? "on" : "", onclick: () => openFacts(kind) },
          kind === "" ? "all" : kind + " " + number(log.kinds.get(kind) ?? 0)
        )
      )
    ),
    ...facts.list.map((fact) =>
      make(
        "details",
        {},
        make(
          "summary",
          { onclick: () => explain(fact) },
          make("b", {}, fact.kind),
          " " + fact.id + " ",
          make("small", {}, "cycle " + fact.provenance.cycle + ", " + (fact.provenance.agent || fact.provenance.origin))
        ),
        make("pre", {}, JSON.stringify(fact.value, undefined, 2)),
        make("div", { id: "why " + refOf(fact) })
      )
    ),
    ...(facts.cursor === null ? [] : [make("button", { onclick: () => moreFacts() }, "more")])
  ],
  result: (job) => [
    make("pre", {}, job.result === null ? "It has not halted." : JSON.stringify(job.result, undefined, 2))
  ]
}

/** @type {ReadonlyArray<Tab>} */
const tabs = ["cycles", "events", "facts", "result"]

const draw = () => {
  for (const name of tabs) find("tab-" + name).className = name === tab ? "on" : ""
  if (job !== undefined) fill("view", ...views[tab](job))
  fill("note", log.note)
}

let isDue = false
/** Many events come at once: the page is drawn once for all of them. */
const drawSoon = () => {
  if (isDue) return
  isDue = true
  requestAnimationFrame(() => {
    isDue = false
    if (tab === "cycles" || tab === "events") draw()
  })
}

const moreFacts = async () => {
  const asked = facts
  const query = new URLSearchParams({
    limit: "100",
    ...(asked.kind === "" ? {} : { kind: asked.kind }),
    ...(asked.cursor === null ? {} : { cursor: asked.cursor })
  })
  const response = await ask(at(chosen) + "/facts?" + query)
  if (response === undefined || asked !== facts) return
  /** @type {FactPage} */
  const page = await response.json()
  asked.list.push(...page.facts)
  asked.cursor = page.cursor
  draw()
}

/** @param {string} kind */
const openFacts = (kind) => {
  facts = { kind, list: [], cursor: null }
  return moreFacts()
}

/** @param {Fact} fact */
const explain = async (fact) => {
  const place = find("why " + refOf(fact))
  if (place.childNodes.length > 0) return
  const response = await ask(at(chosen) + "/versions/" + fact.provenance.version + "/explain")
  if (response === undefined) return
  /** @type {Explanation} */
  const { nodes } = await response.json()
  const seen = new Set()
  /** @type {(index: number) => Node} */
  const branch = (index) => {
    const node = nodes[index]
    if (node === undefined) return make("li", {})
    const { kind, id, provenance, causes, omitted } = node
    if (seen.has(index)) return make("li", {}, make("b", {}, kind), " " + id + " ", make("small", {}, "as above"))
    seen.add(index)
    const line = make(
      "span",
      {},
      make("b", {}, kind),
      " " + id + " ",
      make("small", {}, "cycle " + provenance.cycle + ", " + (provenance.agent || provenance.origin))
    )
    const below = causes.map(branch)
    const rest = omitted > 0 ? [make("li", {}, make("small", {}, "and " + number(omitted) + " more"))] : []
    return make("li", {}, line, ...(below.length + rest.length > 0 ? [make("ul", {}, ...below, ...rest)] : []))
  }
  place.replaceChildren(make("ul", { class: "tree" }, branch(0)))
}

/**
 * Reads the events of a job, as they come, until its stream ends; the next refresh comes back for the rest.
 *
 * @type {(id: string, signal: AbortSignal) => Promise<void>}
 */
const follow = async (id, signal) => {
  if (log.isRead || isOver()) return
  const own = log
  own.isRead = true
  try {
    const response = await ask(at(id) + "/events", {
      signal,
      headers: { accept: "application/x-ndjson", "last-event-id": String(own.last) }
    })
    if (response === undefined || response.status === 204 || response.body === null) return
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ""
    for (;;) {
      const { done, value } = await reader.read()
      if (done || own !== log) break
      const lines = (rest + value).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) {
        if (line === "") continue
        /** @type {JobEvent | Missed | Goodbye} */
        const event = JSON.parse(line)
        if (event._tag === "Goodbye") own.note = "The server is shutting down; the job may go on."
        else if (event._tag === "Missed") own.events.push(event)
        else addEvent(event)
      }
      drawSoon()
    }
  } catch {
    // The stream was cut off.
  } finally {
    own.isRead = false
  }
}

const isOver = () => log.events.at(-1)?._tag === "JobHalted"

/** @param {string} id */
const open = (id) => {
  watch.abort()
  watch = new AbortController()
  chosen = id
  log = new Log()
  job = undefined
  find("none").hidden = false
  find("one").hidden = true
  void openFacts("")
}

const refresh = async () => {
  const response = await ask(api + "?limit=100")
  if (response !== undefined) {
    say("")
    drawList(await response.json())
  }
  if (chosen === "" || (job !== undefined && job.result !== null && isOver())) return
  const id = chosen
  const one = await ask(at(id))
  if (one === undefined || id !== chosen) return
  /** @type {Job} */
  const found = await one.json()
  job = found
  drawJob(found)
  // The view of facts is not drawn again, so opened facts stay open.
  if (tab !== "facts") draw()
  void follow(id, watch.signal)
}

const refreshMs = 1000
let refreshedAt = 0
let isRefreshing = false
/** Refreshes for as long as the page is visible: a browser draws no frames of a hidden page. @param {number} now */
const frame = (now) => {
  requestAnimationFrame(frame)
  if (isRefreshing || now - refreshedAt < refreshMs) return
  refreshedAt = now
  isRefreshing = true
  void refresh().finally(() => (isRefreshing = false))
}

for (const name of Object.keys(buttons)) {
  find(name).addEventListener("click", async () => {
    await ask(at(chosen) + "/" + name, { method: "POST" })
    await refresh()
  })
}
for (const name of tabs) {
  find("tab-" + name).addEventListener("click", () => {
    tab = name
    if (name === "facts") void openFacts(facts.kind)
    draw()
  })
}
find("access").addEventListener("submit", (event) => {
  event.preventDefault()
  // The document has an input of this name.
  const input = /** @type {HTMLInputElement} */ (find("token"))
  token = input.value
  sessionStorage.setItem("converge-token", token)
  if (chosen !== "") open(chosen)
  void refresh()
})
addEventListener("hashchange", () => {
  open(decodeURIComponent(location.hash.slice(1)))
  void refresh()
})
if (chosen !== "") open(chosen)
void refresh()
requestAnimationFrame(frame)
