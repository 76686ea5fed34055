/**
 * The settings of a server, defined once: options of its layer, flags of `converge serve`, and variables of the environment.
 *
 * This list gives the flags, the table of docs/http.md and the checks. The command line loads it at every start, so it imports
 * almost nothing itself. Boundary: texts and values in, values or complaints out.
 */
import { Limits } from "../Limits.ts"
import { durationMs, durationText } from "./durations.ts"
import { complaintOf, isToken, type Token } from "./tokens.ts"

/** One setting. `A` is the type of its value. */
export interface Setting<A> {
  /** Its name as an option of `Server.layer`; undefined if only the command has it. */
  readonly option: string | undefined
  readonly flag: string
  readonly variable: string
  readonly description: string
  /** The default, in words for people. */
  readonly fallback: string
  /** The values that it takes, in words for people. */
  readonly expected: string
  /** Whether the flag takes no value. */
  readonly isSwitch: boolean
  /** Reads a text; undefined if the text is no valid value. */
  readonly parse: (text: string) => A | undefined
}

type Words = Pick<Setting<unknown>, "option" | "flag" | "description" | "fallback">

const define = <A>(
  expected: string,
  parse: (text: string) => A | undefined,
  words: Words,
  isSwitch = false
): Setting<A> => ({
  ...words,
  variable: `CONVERGE_${words.flag.toUpperCase().replaceAll("-", "_")}`,
  expected,
  isSwitch,
  parse
})

const whole = (least: number, most: number, words: Words): Setting<number> =>
  define(
    `a whole number from ${least} to ${most}`,
    (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
      return value >= least && value <= most ? value : undefined
    },
    words
  )

const text = (words: Words, normal: (given: string) => string = (given) => given): Setting<string> =>
  define("a text that is not empty", (given) => (given === "" ? undefined : normal(given)), words)

const list = (expected: string, isItem: (text: string) => boolean, words: Words): Setting<ReadonlyArray<string>> =>
  define(
    `${expected}, separated by commas`,
    (given) => {
      const items = given.split(",").map((text) => text.trim())
      return items.every(isItem) ? items : undefined
    },
    words
  )

const isPath = (text: string): text is `/${string}` =>
  /^(?:\/[\w.~-]+)+$/.test(text) && !text.split("/").some((part) => part === "." || part === "..")

const path = (words: Words): Setting<`/${string}`> =>
  define(
    "a path such as /converge, of letters, digits and -._~",
    (given) => {
      const bare = given.endsWith("/") ? given.slice(0, -1) : given
      return isPath(bare) ? bare : undefined
    },
    words
  )

/** An origin as browsers write it: in small letters, with no path, not even a slash. */
const origin = /^[a-z][a-z\d+.-]*:\/\/(?:[a-z\d._~-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/

/** An address without the brackets that it has in a URL. */
export const bareHost = (host: string): string => host.replace(/^\[(.*)\]$/, "$1")

const isSet = (words: Words): Setting<boolean> =>
  define(
    "true or false",
    (given) => (given === "true" || given === "1" ? true : given === "false" || given === "0" ? false : undefined),
    words,
    true
  )

const dayMs = 86_400_000

/** A duration; its value is in milliseconds. */
const time = (leastMs: number, words: Words, mostMs = dayMs): Setting<number> =>
  define(
    `a time such as 500ms, 10s, 5m or 1h30m, or milliseconds, from ${durationText(leastMs)} to ${durationText(mostMs)}`,
    (given) => {
      const ms = durationMs(given)
      return ms !== undefined && ms >= leastMs && ms <= mostMs ? ms : undefined
    },
    words
  )

const most = 1_000_000_000

export const settings = {
  host: text(
    {
      option: "host",
      flag: "host",
      fallback: "127.0.0.1",
      description: "The address to listen on. An address other than this machine's own needs a token"
    },
    bareHost
  ),
  port: whole(0, 65_535, {
    option: "port",
    flag: "port",
    fallback: "8080",
    description: "The port to listen on; 0 for any free port"
  }),
  prefix: path({
    option: "prefix",
    flag: "prefix",
    fallback: "none",
    description: "The path before all paths, if a proxy passes it on"
  }),
  tokens: list("visible characters of ASCII", isToken, {
    option: "tokens",
    flag: "token",
    fallback: "none",
    description: "Bearer tokens; a request must carry one of them. Better set in the environment than by a flag"
  }) satisfies Setting<ReadonlyArray<string>> as Setting<ReadonlyArray<string | Token>>,
  tokenFile: text({
    option: undefined,
    flag: "token-file",
    fallback: "none",
    description: "A file with more tokens, and what each may do"
  }),
  insecure: isSet({
    option: "insecure",
    flag: "insecure",
    fallback: "false",
    description: "Listen on any address without a token"
  }),
  cors: list("origins such as https://app.example", (text) => origin.test(text), {
    option: "cors",
    flag: "cors",
    fallback: "none",
    description: "Origins whose pages may use the API"
  }),
  maxBodyBytes: whole(1_024, most, {
    option: "maxBodyBytes",
    flag: "max-body-bytes",
    fallback: String(Limits.serverBodyBytes),
    description: "Bytes in the body of a request"
  }),
  maxBodyValues: whole(100, most, {
    option: "maxBodyValues",
    flag: "max-body-values",
    fallback: String(Limits.serverBodyValues),
    description: "JSON values in the body of a request, nested values included"
  }),
  maxSignalFacts: whole(1, Limits.signalProposals, {
    option: "maxSignalFacts",
    flag: "max-signal-facts",
    fallback: String(Limits.serverSignalFacts),
    description: "Facts in one signal"
  }),
  maxStreams: whole(1, most, {
    option: "maxStreams",
    flag: "max-streams",
    fallback: String(Limits.serverStreams),
    description: "Event streams that are open at a time"
  }),
  heartbeatMs: time(Limits.serverHeartbeatLeastMs, {
    option: "heartbeatMs",
    flag: "heartbeat",
    fallback: durationText(Limits.serverHeartbeatMs),
    description: "The time between the comments that a viewer of events gets"
  }),
  keepAliveMs: time(0, {
    option: "keepAliveMs",
    flag: "keep-alive",
    fallback: durationText(Limits.serverKeepAliveMs),
    description: "How long a connection waits for its next request; make it longer than the proxy in front waits"
  }),
  drainMs: time(0, {
    option: "drainMs",
    flag: "drain",
    fallback: durationText(Limits.serverDrainMs),
    description: "How long jobs may go on when the server shuts down"
  }),
  maxRunningJobs: whole(1, most, {
    option: undefined,
    flag: "max-running-jobs",
    fallback: String(Limits.runningJobs),
    description: "Jobs that run at a time"
  }),
  maxQueuedJobs: whole(0, most, {
    option: undefined,
    flag: "max-queued-jobs",
    fallback: String(Limits.queuedJobs),
    description: "Jobs that wait for a place; one more gets a 429"
  }),
  maxLiveContextBytes: whole(1_024, 1_000_000_000_000_000 - 1, {
    option: undefined,
    flag: "max-live-context-bytes",
    fallback: "unlimited",
    description: "Bytes in the contexts of all live jobs; above them, a new job gets a 503"
  }),
  workers: whole(0, Limits.poolThreads, {
    option: undefined,
    flag: "workers",
    fallback: "one per core",
    description: "Worker threads for CPU agents; 0 for none"
  }),
  store: text({
    option: undefined,
    flag: "store",
    fallback: "nothing is kept",
    description: "The SQLite file for the journals of jobs"
  }),
  retentionMs: time(
    0,
    {
      option: undefined,
      flag: "retention",
      fallback: "all are kept",
      description: "How long the journals of ended jobs are kept"
    },
    Limits.retentionMostMs
  )
} as const

export type SettingName = keyof typeof settings

/** Settings as they were given. */
export type Settings = {
  readonly [Name in SettingName]?: (typeof settings)[Name] extends Setting<infer A> ? A | undefined : never
}

export const settingNames = Object.keys(settings) as ReadonlyArray<SettingName>

/** Reads each setting from its flag or, without one, from the environment. Returns the values and complaints about others. */
export const readSettings = (
  flags: Readonly<Partial<Record<SettingName, string>>>,
  environment: Readonly<Record<string, string | undefined>>
): { readonly values: Settings; readonly complaints: ReadonlyArray<string> } => {
  const values: Partial<Record<SettingName, unknown>> = {}
  const complaints: Array<string> = []
  for (const name of settingNames) {
    const { expected, flag, parse, variable } = settings[name]
    const fromFlag = flags[name]
    const given = fromFlag ?? environment[variable]
    if (given === undefined) continue
    const value = parse(given)
    const what = fromFlag === undefined ? variable : `--${flag}`
    // The value may be a secret, so the complaint does not show it.
    if (value === undefined) complaints.push(`${what} takes ${expected}`)
    else values[name] = value
  }
  // The cast is safe: the setting of each name made its value.
  return { values: values as Settings, complaints }
}

const textOf = (item: string | Token): string => (typeof item === "string" ? item : item.name)

/** Complaints about options that were given in code. */
export const checkOptions = (options: Settings): ReadonlyArray<string> =>
  settingNames.flatMap((name) => {
    const value = options[name]
    if (value === undefined) return []
    if (name === "tokens") {
      const complaint = options.tokens?.map(complaintOf).find((found) => found !== undefined)
      return complaint === undefined ? [] : [`tokens takes tokens that can be used: ${complaint}`]
    }
    const { expected, parse } = settings[name]
    const given = typeof value === "object" ? value.map(textOf).join(",") : String(value)
    const isEmptyList = typeof value === "object" && value.length === 0
    return isEmptyList || parse(given) !== undefined ? [] : [`${name} takes ${expected}`]
  })

/** Whether an address is a loopback address, which only this machine reaches. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host)

/** The table of all settings, for docs/http.md. */
export const settingsTable = (): string => {
  const rows = settingNames.map((name) => {
    const { description, expected, fallback, flag, isSwitch, option, variable } = settings[name]
    const shown = option === undefined ? "" : `\`${option}\``
    return `| ${shown} | \`--${flag}\` | \`${variable}\` | ${fallback} | ${description}${isSwitch ? "" : ` (${expected})`} |`
  })
  return ["| option | flag | variable | default | |", "|---|---|---|---|---|", ...rows].join("\n")
}
