/**
 * From which symbols a rule may lead to a change of the world. It may say so of too many, never of too few among the rules: an evaluation
 * whose symbols reach no change is still watched, since data can name an operation, too.
 */
import { type Atom, expressionKind, type Sym, symbol, symbolKind } from "./atoms.ts"
import type { Entry } from "./space.ts"

/** The operations that change the world. */
export const changing: ReadonlyArray<string> = ["add-atom", "remove-atom", "new-space", "bind!", "add-reduct"]

/** The symbols of an atom. */
const symbolsOf = (atom: Atom): ReadonlySet<Sym> => {
  const found = new Set<Sym>()
  const open: Array<Atom> = [atom]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind === symbolKind) found.add(next)
    else if (next.kind === expressionKind) for (const item of next.items) open.push(item)
  }
  return found
}

export class Reach {
  private readonly reaching = new Set<Sym>(changing.map(symbol))
  /** The symbols on the left of the rules in whose right sides a symbol stands. */
  private readonly users = new Map<Sym, Set<Sym>>()

  /** Takes in an atom of a space. */
  learn({ rule }: Entry): void {
    if (rule === undefined) return
    const ruled = leftmost(rule.left)
    if (ruled !== undefined) this.connect(ruled, rule.right)
  }

  /** Takes in that a token stands for an atom. */
  rename(token: Sym, atom: Atom): void {
    this.connect(token, atom)
  }

  /** Whether an evaluation of this atom may change the world, as far as its symbols and the rules tell. */
  mayChange(atom: Atom): boolean {
    for (const used of symbolsOf(atom)) if (this.reaching.has(used)) return true
    return false
  }

  private connect(ruled: Sym, right: Atom): void {
    for (const used of symbolsOf(right)) {
      const users = this.users.get(used) ?? new Set<Sym>()
      this.users.set(used, users.add(ruled))
      if (this.reaching.has(used)) this.mark(ruled)
    }
  }

  private mark(first: Sym): void {
    const open = [first]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (this.reaching.has(next)) continue
      this.reaching.add(next)
      open.push(...(this.users.get(next) ?? []))
    }
  }
}

/** The symbol that an expression begins with, in its first part, or in the first part of that. */
const leftmost = (atom: Atom): Sym | undefined => {
  let first: Atom | undefined = atom
  while (first?.kind === expressionKind) first = first.items[0]
  return first?.kind === symbolKind ? first : undefined
}
