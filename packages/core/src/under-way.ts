/** Counts what is under way. */
export class UnderWay {
  readonly #idlers: (() => void)[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count > 0 || this.#idlers.length === 0) return;
    for (const resolve of this.#idlers.splice(0)) resolve();
  }

  /** Resolves when nothing is under way. */
  async ended(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#idlers.push(resolve));
  }
}
