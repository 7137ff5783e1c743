// llama.cpp through node-llama-cpp, with weights in Q8_0. See `runner.py` for request and reply.
// Node looks for packages from a script's own folder upwards, so this one is copied beside them.

import fs from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const WARM_UP_TOKENS = 4;
const POSITIONS = 256; // the least that llama.cpp gives a sequence

const request = JSON.parse(process.argv[2]);
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath: request.model});
const startup = Date.now() / 1000 - request.started;

const points = [];
for (const [batch, length] of request.points) {
    points.push(await measure(batch, length));
}
const {version} = JSON.parse(fs.readFileSync("node_modules/node-llama-cpp/package.json", "utf-8"));
console.log(JSON.stringify({version: `node-llama-cpp ${version}`, startup, points}));
process.exit(0); // without waiting for the library's threads

async function measure(batch, length) {
    const context = await model.createContext({
        sequences: batch,
        contextSize: POSITIONS,
        threads: {ideal: request.threads, min: request.threads},
    });
    const sequences = Array.from({length: batch}, () => context.getSequence());
    const point = {batch, length, first: [], whole: []};
    if (request.repeats === 0) {
        point.whole.push(await seconds(sequences, length));
        return point;
    }
    await seconds(sequences, WARM_UP_TOKENS);
    const begin = performance.now();
    do {
        point.first.push(await seconds(sequences, 1));
        point.whole.push(await seconds(sequences, length));
    } while (
        point.whole.length < request.repeats
        && performance.now() - begin < 1000 * request.patience
    );
    await context.dispose();
    return point;
}

async function seconds(sequences, length) {
    await Promise.all(sequences.map((sequence) => sequence.clearHistory()));
    const begin = performance.now();
    // All sequences step together: left to themselves they drift apart, and each small batch then
    // reads all the weights.
    let inputs = sequences.map(() => request.prompt);
    for (let step = 0; step < length; step += 1) {
        inputs = await Promise.all(sequences.map((sequence, row) => next(sequence, inputs[row])));
    }
    return (performance.now() - begin) / 1000;
}

async function next(sequence, tokens) {
    const generateNext = {token: true, options: {temperature: 1, topK: request.top_k, topP: 1}};
    const last = tokens.length - 1;
    const outputs = await sequence.controlledEvaluate([
        ...tokens.slice(0, last), [tokens[last], {generateNext}],
    ]);
    return [outputs[last].next.token];
}
