// Runs in the browser's sound thread: hands the microphone's samples to the page in portions.

const PORTION = 2048;

class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.samples = new Float32Array(PORTION);
    this.filled = 0;
    this.over = false;
    this.port.onmessage = () => {
      // The rest, and an empty portion as the sign that nothing more comes.
      this.port.postMessage(this.samples.slice(0, this.filled));
      this.port.postMessage(null);
      this.over = true;
    };
  }

  process([input]) {
    if (this.over) return false;
    const channels = input.length;
    if (!channels) return true;
    for (let index = 0; index < input[0].length; index += 1) {
      let sum = 0;
      for (const channel of input) sum += channel[index];
      this.samples[this.filled] = sum / channels;
      this.filled += 1;
      if (this.filled === PORTION) {
        this.port.postMessage(this.samples.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
