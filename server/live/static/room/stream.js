// The stream from the server: opened again by itself for ever, and watched, since a dead line can look alive.
import * as clock from "./clock.js";

const SILENT_S = 12; // the server beats every 3 s
const FIRST_WAIT_S = 0.5;
const LONGEST_WAIT_S = 10;

export class Stream {
  #address; #heard; #lost; #bye; #source = null; #last_s = clock.local_s(); #told_s = clock.now_s(); #wait_s = FIRST_WAIT_S; #timer = 0; #ended = false;

  constructor(address, { heard, lost, bye }) {
    this.#address = address;
    this.#heard = heard;
    this.#lost = lost;
    this.#bye = bye;
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.#open_in(0));
    addEventListener("pageshow", (event) => event.persisted && this.#open_in(0));
    this.#open();
  }

  #open() {
    this.#source?.close();
    clock.start_anew();
    const source = new EventSource(this.#address);
    this.#source = source;
    this.#last_s = clock.local_s();
    const take = (event) => {
      this.#last_s = clock.local_s();
      this.#wait_s = FIRST_WAIT_S;
      const told = JSON.parse(event.data);
      clock.heard(told.sent_s);
      this.#told_s = told.sent_s;
      this.#heard(told);
    };
    source.addEventListener("room", take);
    source.addEventListener("tiles", take);
    source.addEventListener("bye", () => this.#end());
    source.onerror = () => {
      source.close();
      if (this.#source === source && !this.#ended) this.#fail();
    };
  }

  async #fail() {
    this.#lost(this.#told_s);
    // An EventSource does not tell why: a server that says «not any more» is asked in another way.
    try {
      const answer = await fetch(this.#address, { headers: { Accept: "application/json" }, redirect: "manual", signal: AbortSignal.timeout(4000) });
      const gone = [401, 403, 404].includes(answer.status) || answer.type === "opaqueredirect";
      await answer.body?.cancel();
      if (gone) {
        this.#end();
        return;
      }
    } catch {
      // No server at all: try again below.
    }
    this.#open_in(this.#wait_s * (0.5 + Math.random() / 2));
    this.#wait_s = Math.min(LONGEST_WAIT_S, this.#wait_s * 2);
  }

  #open_in(seconds) {
    clearTimeout(this.#timer);
    if (!this.#ended) this.#timer = setTimeout(() => this.#open(), seconds * 1000);
  }

  #watch() {
    if (!this.#ended && this.#source?.readyState !== EventSource.CLOSED && clock.local_s() - this.#last_s > SILENT_S) {
      this.#lost(this.#told_s);
      this.#open();
    }
  }

  #end() {
    this.#ended = true;
    this.#source?.close();
    this.#bye();
  }
}
