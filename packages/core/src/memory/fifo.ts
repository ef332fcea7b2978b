/** First in, first out. An array shifted would move all that are behind; a Map would walk over all it has deleted. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): Item | undefined {
    return this.#items[this.#head];
  }

  add(item: Item): void {
    this.#items.push(item);
  }

  take(): Item | undefined {
    const { first } = this;
    if (this.size === 0) return undefined;
    // What is out must not live on in here.
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) this.#drop();
    return first;
  }

  remove(item: Item): void {
    if (item === this.first) this.take();
    else {
      this.#drop();
      const at = this.#items.indexOf(item);
      if (at >= 0) this.#items.splice(at, 1);
    }
  }

  /** Items from a place on until before another, counted from the first. */
  slice(from = 0, until = this.size): Item[] {
    // None of those behind the head is out.
    return this.#items.slice(this.#head + from, this.#head + until) as Item[];
  }

  #drop(): void {
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}
