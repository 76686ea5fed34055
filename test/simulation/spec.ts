/**
 * A program as plain data, from which both the real program and that of the reference are made.
 *
 * All facts have values of one shape, so that any agent can read any kind. Boundary: types. generate.ts makes such programs by a
 * seed, behave.ts says what their agents do, and build.ts makes the real ones.
 */

/** The value of every fact: an id, a number that rules and agents go by, and tags. */
export interface Item {
  readonly k: string
  readonly n: number
  readonly t: ReadonlyArray<string>
}

/** The payload of an intent: an item's id and number, an approval, or a child job. */
export interface Payload {
  readonly k?: string | undefined
  readonly n?: number | undefined
  /** The id of an approval, or the name of a child. */
  readonly id?: string | undefined
  readonly timeoutMs?: number | undefined
  readonly onTimeout?: "approve" | "reject" | "halt" | undefined
  readonly program?: string | undefined
  readonly input?: Item | undefined
  readonly onFailure?: "report" | undefined
  readonly budget?: BudgetSpec | undefined
}

/** A fact that somebody proposes. */
export interface Proposed {
  readonly kind: string
  readonly value: Item
}

/**
 * The conflict rule of a kind. The last four are functions of the program: `least` is lawful, `first` is not commutative, `sum` is
 * not idempotent, `fussy` throws for some values, and `renames` changes the id.
 */
export type Rule =
  | "reject"
  | "keepFirst"
  | "keepLast"
  | "max"
  | "min"
  | "union"
  | "least"
  | "first"
  | "sum"
  | "fussy"
  | "renames"

export interface KindSpec {
  readonly name: string
  readonly rule: Rule
  /** Retention: the number of facts that stay. */
  readonly latest?: number | undefined
}

/** The facts that an agent proposes for an item `x` with `x.n < below` and `x.n % every === 0`. */
export interface Emission {
  readonly into: string
  /**
   * The id of the proposal: that of the item, one of three, one for the agent, one that is longer each time, or one that gives
   * the whole value, so that no fact is ever revised.
   */
  readonly id: "same" | "third" | "agent" | "longer" | "exact"
  readonly step: number
  readonly below: number
  readonly every: number
  /** Whether the proposal names the item as its reason. */
  readonly because?: boolean | undefined
  /** Whether the number is the number of facts of the kinds that the agent reads. */
  readonly counts?: boolean | undefined
}

/** A fault of an agent for items with `n % every === 0`: in its first `times` attempts. */
export interface Faulty {
  readonly every: number
  readonly times: number
  readonly how: "error" | "panic" | "slow" | "twice" | "undeclared" | "misfit" | "ghost" | "score" | "crash"
}

/** The child jobs that an agent asks for: one for each item for which it emits. */
export interface ChildSpec {
  readonly program: string
  /** Whether its failure is reported, and does not end the parent. */
  readonly reports: boolean
  /** Whether the child has the name of its item, so that two items may ask for one name. Otherwise the key names it. */
  readonly isNamed: boolean
  readonly budget?: BudgetSpec | undefined
}

/** The payment of an agent for each attempt, in the middle of it. */
export interface PaySpec {
  /** The room that it reserves; undefined: it pays without a reservation. */
  readonly reserves?: Amount | undefined
  /** The amount that it pays; undefined: it forgets to. */
  readonly pays?: Amount | undefined
  /** Whether it does without the call if there is no room: its effect is then empty. */
  readonly catches: boolean
  /** Milliseconds between the reservation and the payment. */
  readonly takesMs: number
}

export interface Amount {
  readonly tokens: number
  readonly cost: number
}

export interface AgentSpec {
  readonly name: string
  readonly form: "whole" | "each" | "join" | "fold"
  readonly type: "fiber" | "cpu"
  readonly placement?: "worker" | "inline" | "auto" | undefined
  /** The kind of `each`, the left kind of a join, the kind that a fold is over. Undefined for an agent with the whole. */
  readonly from?: string | undefined
  /** The right kind of a join. */
  readonly and?: string | undefined
  /** The key on which pairs meet, or by which groups are made. */
  readonly key?: "third" | "tags" | undefined
  readonly aggregate?: "sum" | "count" | "min" | "max" | "own" | undefined
  readonly reads: ReadonlyArray<string>
  readonly writes: ReadonlyArray<string>
  readonly tier: number
  /** It accepts if a kind has at least so many facts, or throws if it has just `throwsAt`. */
  readonly accepts?:
    | { readonly kind: string; readonly least: number; readonly throwsAt?: number | undefined }
    | undefined
  readonly emits: ReadonlyArray<Emission>
  readonly faults: ReadonlyArray<Faulty>
  readonly onFailure: "halt" | "discard" | Readonly<Partial<Record<FailureWay, "halt" | "discard">>>
  readonly retries?: number | undefined
  /** Milliseconds. An attempt takes `takesMs`, and ten times the timeout if it is slow. */
  readonly timeoutMs?: number | undefined
  readonly takesMs: number
  readonly memoize?: boolean | undefined
  readonly concurrency?: number | undefined
  /** Milliseconds between the starts of two of its tasks. */
  readonly gapMs?: number | undefined
  /** Asks for an intent of this kind for each item that it emits for. "Approval" asks for an approval. */
  readonly intent?: string | undefined
  /** The time of its approvals. */
  readonly approvalMs?: number | undefined
  readonly onTimeout?: Payload["onTimeout"]
  /** With the intent "ChildJob": the children that it asks for. */
  readonly child?: ChildSpec | undefined
  readonly pays?: PaySpec | undefined
  readonly evaluates?: boolean | undefined
  readonly tokens?: number | undefined
}

export type FailureWay = "error" | "timeout" | "panic" | "crash" | "conflict" | "invalid"

export interface InvariantSpec {
  readonly name: string
  readonly type: "structural" | "semantic" | "acceptance"
  readonly kind: string
  /** It holds unless the number of facts of the kind is above `most`, below `least`, or has this remainder by three. */
  readonly most?: number | undefined
  readonly least?: number | undefined
  readonly remainder?: number | undefined
  readonly onViolation?: "halt" | "discard" | undefined
}

/** The handler of a kind of intents. A kind without one is performed by nobody. */
export interface HandlerSpec {
  readonly kind: string
  /** The kind of its answers; undefined: it answers with nothing. */
  readonly into?: string | undefined
  /** It fails for payloads with `n % failsEvery === 0`. */
  readonly failsEvery?: number | undefined
  /** It never answers payloads with `n % hangsEvery === 0`, until its time is over. */
  readonly hangsEvery?: number | undefined
  /** Attempts that fail before it answers. */
  readonly attempts: number
  readonly onFailure: "halt" | "discard"
  readonly takesMs: number
}

export interface BudgetSpec {
  readonly maxCycles?: number | undefined
  readonly maxFacts?: number | undefined
  readonly maxAgents?: number | undefined
  readonly maxTokens?: number | undefined
  readonly maxCost?: number | undefined
  readonly maxContextBytes?: number | undefined
  /** Milliseconds. */
  readonly maxDuration?: number | undefined
  readonly maxCpuTime?: number | undefined
}

/** How facts come along to a version with other kinds: as they are, with another number, or not at all for some numbers. */
export interface MigrationSpec {
  readonly adds: number
  /** It drops facts with `n % drops === 0`. */
  readonly drops?: number | undefined
}

export interface ProgramSpec {
  readonly name: string
  readonly version: string
  readonly migration?: MigrationSpec | undefined
  readonly kinds: ReadonlyArray<KindSpec>
  readonly agents: ReadonlyArray<AgentSpec>
  readonly tiers: number
  readonly invariants: ReadonlyArray<InvariantSpec>
  readonly handlers: ReadonlyArray<HandlerSpec>
  readonly budget: BudgetSpec
  readonly signals: ReadonlyArray<string>
  readonly seeds: ReadonlyArray<Proposed>
  /** Whether the facts at the fixed point must not depend on when signals arrive (G16). */
  readonly isConfluent?: boolean | undefined
}
