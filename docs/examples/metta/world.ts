/**
 * The world of a program: its spaces, and the tokens that `bind!` gave a meaning. Every change of it goes through here, and is data:
 * applied to an equal world, the changes of an evaluation make an equal world.
 */
import { type Atom, SpaceAtom, type Sym, symbolKind } from "./atoms.ts"
import { parseAtom } from "./parse.ts"
import { print } from "./print.ts"
import { Reach } from "./reach.ts"
import { type Entry, type Origin, Space } from "./space.ts"

/** A change of a world. `atom` is a text; of a new space it is the name. */
export interface Change {
  readonly does: "add" | "remove" | "create" | "bind"
  readonly name: string
  readonly atom: string
}

/** A thing that was done, and how to undo it. */
interface Done {
  readonly change: Change
  readonly undo: () => void
  /** Takes the change into what is known of reach, once it is permanent. */
  readonly learn: (() => void) | undefined
}

export const selfName = "&self"

export class World {
  readonly self: Space
  /** The symbols from which a rule may lead to a change. */
  readonly reach = new Reach()
  private readonly spaces = new Map<string, Space>()
  private readonly tokens = new Map<string, Atom>()
  private created = 0
  private done: Array<Done> = []

  constructor() {
    this.self = new Space(selfName)
    this.spaces.set(selfName, this.self)
  }

  /** The meaning of a token, if it is more than a symbol. */
  readonly meaning = (token: string): Atom | undefined =>
    this.tokens.get(token) ?? (this.spaces.has(token) ? new SpaceAtom(token) : undefined)

  space(name: string): Space | undefined {
    return this.spaces.get(name)
  }

  get atoms(): number {
    let atoms = 0
    for (const space of this.spaces.values()) atoms += space.size
    return atoms
  }

  add(space: Space, atom: Atom, origin: Origin): void {
    const entry = space.add(atom, origin)
    this.note(
      { does: "add", name: space.name, atom: print(atom) },
      () => space.undoAdd(entry),
      () => this.reach.learn(entry)
    )
  }

  /** Removes the first atom that equals this one. Answers whether there was one. */
  remove(space: Space, atom: Atom): boolean {
    const entry = space.find(atom)
    if (entry === undefined) return false
    space.remove(entry)
    this.note({ does: "remove", name: space.name, atom: print(atom) }, () => space.undoRemove(entry))
    return true
  }

  create(): SpaceAtom {
    this.created += 1
    const name = `&space-${this.created}`
    this.spaces.set(name, new Space(name))
    this.note({ does: "create", name, atom: "" }, () => {
      this.created -= 1
      this.spaces.delete(name)
    })
    return new SpaceAtom(name)
  }

  bind(token: Sym, atom: Atom): void {
    const before = this.tokens.get(token.name)
    this.tokens.set(token.name, atom)
    this.note(
      { does: "bind", name: token.name, atom: print(atom) },
      () => {
        if (before === undefined) this.tokens.delete(token.name)
        else this.tokens.set(token.name, before)
      },
      () => this.reach.rename(token, atom)
    )
  }

  /** Adds an atom of the program's text, of which no change needs to be noted. */
  define(atom: Atom, origin: Origin): Entry {
    const entry = this.self.add(atom, origin)
    this.reach.learn(entry)
    return entry
  }

  /** Applies the changes of an evaluation of an equal world. */
  apply(changes: ReadonlyArray<Change>, origin: Origin): void {
    for (const change of changes) this.applyOne(change, origin)
    this.keep()
  }

  /** The changes since the last `keep` or `undo`. */
  changes(): ReadonlyArray<Change> {
    return this.done.map(({ change }) => change)
  }

  /** Makes the changes permanent. */
  keep(): void {
    if (this.done.length === 0) return
    for (const { learn } of this.done) learn?.()
    this.done = []
    for (const space of this.spaces.values()) space.compact()
  }

  /** Takes the changes back. */
  undo(): void {
    for (let last = this.done.pop(); last !== undefined; last = this.done.pop()) last.undo()
  }

  private applyOne({ does, name, atom }: Change, origin: Origin): void {
    if (does === "create") {
      this.create()
      return
    }
    const parsed = parseAtom(atom, this.meaning)
    if (does === "bind") {
      // The token itself reads as what it stood for before.
      const token = parseAtom(name)
      if (token.kind === symbolKind) this.bind(token, parsed)
      return
    }
    const space = this.spaces.get(name)
    if (space === undefined) throw new Error(`a change names the space ${name}, which does not exist`)
    if (does === "add") this.add(space, parsed, origin)
    else this.remove(space, parsed)
  }

  private note(change: Change, undo: () => void, learn?: () => void): void {
    this.done.push({ change, undo, learn })
  }
}
