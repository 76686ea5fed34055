/**
 * The text of a program as atoms, with their places. A text that is no program gives the atoms up to its first fault, and the fault.
 *
 * Symbols, numbers and texts are as in hyperon-experimental: a `;` begins a comment, a `"` a text with escapes, a `$` a variable,
 * and a `!` before an atom asks for its evaluation.
 */
import { type Atom, Expression, float, integer, no, symbol, Text, Variable, yes } from "./atoms.ts"

export interface Place {
  readonly line: number
  readonly column: number
}

/** One statement of a program: its text from `start` to `end`, and whether a `!` stands before it. */
export interface Statement extends Place {
  readonly start: number
  readonly end: number
  readonly isEvaluated: boolean
}

/** A fault of a text. */
export interface Fault extends Place {
  readonly message: string
}

/** Gives the atom that a token stands for in place of a symbol, if there is one. */
export type Tokens = (token: string) => Atom | undefined

const noTokens: Tokens = () => undefined

const visible = /\S/g
const tokenEnd = /[\s();"]/g

/** Reads a text from its beginning to its end. */
class Reader {
  readonly text: string
  at = 0
  private line: number
  private lineStart: number
  private lineEnd: number
  private readonly tokens: Tokens

  constructor(text: string, from: Place, tokens: Tokens) {
    this.text = text
    this.line = from.line
    this.lineStart = 1 - from.column
    this.lineEnd = this.endOfLine(0)
    this.tokens = tokens
  }

  /** The place of an offset, which is not before the last one that was asked for. */
  place(offset: number): Place {
    while (this.lineEnd < offset) {
      this.line += 1
      this.lineStart = this.lineEnd + 1
      this.lineEnd = this.endOfLine(this.lineStart)
    }
    return { line: this.line, column: offset - this.lineStart + 1 }
  }

  private endOfLine(from: number): number {
    const end = this.text.indexOf("\n", from)
    return end === -1 ? Number.POSITIVE_INFINITY : end
  }

  fault(offset: number, message: string): Fault {
    return { ...this.place(offset), message }
  }

  /** Passes over blanks and comments. Answers whether the text goes on. */
  goOn(): boolean {
    for (;;) {
      visible.lastIndex = this.at
      const found = visible.exec(this.text)
      this.at = found === null ? this.text.length : found.index
      if (this.text[this.at] !== ";") return found !== null
      const end = this.text.indexOf("\n", this.at)
      this.at = end === -1 ? this.text.length : end
    }
  }

  /** The text between quotes that begins here, or undefined if it has no end. */
  quoted(): Text | undefined {
    let value = ""
    for (let at = this.at + 1; at < this.text.length; at++) {
      const character = this.text[at]
      if (character === '"') {
        this.at = at + 1
        return new Text(value)
      }
      if (character === "\\") {
        at += 1
        value += unescaped(this.text[at] ?? "")
      } else value += character
    }
    return undefined
  }

  /** The token that begins here. */
  token(): string {
    tokenEnd.lastIndex = this.at
    const end = tokenEnd.exec(this.text)?.index ?? this.text.length
    const token = this.text.slice(this.at, end)
    this.at = end
    return token
  }

  /** The atom that begins here, or the fault that keeps it from being one. Brackets nest as deep as they like. */
  atom(variables: Map<string, Variable>): Atom | Fault {
    const open: Array<{ readonly items: Array<Atom>; readonly start: number }> = []
    for (;;) {
      if (!this.goOn()) return this.fault(open.at(-1)?.start ?? this.at, "this bracket is never closed: add a )")
      const start = this.at
      const character = this.text[start]
      let made: Atom | undefined
      if (character === "(") {
        this.at += 1
        open.push({ items: [], start })
        continue
      }
      if (character === ")") {
        const closed = open.pop()
        if (closed === undefined) return this.fault(start, "this ) closes no bracket: remove it")
        this.at += 1
        made = new Expression(closed.items)
      } else if (character === '"') {
        made = this.quoted()
        if (made === undefined) return this.fault(start, 'this text is never closed: add a "')
      } else made = this.leaf(this.token(), variables)
      const outer = open.at(-1)
      if (outer === undefined) return made
      outer.items.push(made)
    }
  }

  private leaf(token: string, variables: Map<string, Variable>): Atom {
    if (token.length > 1 && token.startsWith("$")) {
      const name = token.slice(1)
      const known = variables.get(name)
      // `$_` is a variable of its own wherever it stands.
      if (known !== undefined && name !== "_") return known
      const made = new Variable(name, 0)
      variables.set(name, made)
      return made
    }
    return this.tokens(token) ?? literal(token) ?? symbol(token)
  }
}

const unescaped = (character: string): string =>
  character === "n" ? "\n" : character === "t" ? "\t" : character === "r" ? "\r" : character

const literal = (token: string): Atom | undefined => {
  if (token === "True") return yes
  if (token === "False") return no
  if (/^[+-]?\d+$/.test(token)) {
    const value = Number(token)
    // A whole number that a double cannot hold exactly is a float.
    return Number.isSafeInteger(value) ? integer(value + 0) : float(value)
  }
  if (/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(token)) return float(Number(token))
  if (token === "NaN") return float(Number.NaN)
  if (token === "inf") return float(Number.POSITIVE_INFINITY)
  if (token === "-inf") return float(Number.NEGATIVE_INFINITY)
  return undefined
}

const start: Place = { line: 1, column: 1 }

const isFault = (found: Atom | Fault): found is Fault => "message" in found

/** The statements of a text up to its first fault, and the fault. */
export const parseProgram = (
  text: string
): { readonly statements: ReadonlyArray<Statement>; readonly fault: Fault | undefined } => {
  const reader = new Reader(text, start, noTokens)
  const statements: Array<Statement> = []
  while (reader.goOn()) {
    const place = reader.place(reader.at)
    const first = reader.at
    const isEvaluated = text[first] === "!" && !/[\s);!]/.test(text[first + 1] ?? " ")
    if (isEvaluated) reader.at += 1
    const found = reader.atom(new Map())
    if (isFault(found)) return { statements, fault: found }
    statements.push({ ...place, start: isEvaluated ? first + 1 : first, end: reader.at, isEvaluated })
  }
  return { statements, fault: undefined }
}

/** An atom of a text, with its place. */
export interface Placed extends Place {
  readonly atom: Atom
}

/** The atoms of a text without faults, each with variables of its own. Throws `SyntaxError` for another text. */
export const parseAtoms = (text: string, tokens: Tokens = noTokens, from: Place = start): ReadonlyArray<Placed> => {
  const reader = new Reader(text, from, tokens)
  const atoms: Array<Placed> = []
  while (reader.goOn()) {
    const place = reader.place(reader.at)
    const atom = reader.atom(new Map())
    if (isFault(atom)) throw new SyntaxError(`line ${atom.line}, column ${atom.column}: ${atom.message}`)
    atoms.push({ ...place, atom })
  }
  return atoms
}

/** The one atom of a text. */
export const parseAtom = (text: string, tokens: Tokens = noTokens): Atom => {
  const [first] = parseAtoms(text, tokens)
  if (first === undefined) throw new SyntaxError("there is no atom in this text")
  return first.atom
}
