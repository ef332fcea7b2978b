// Dependencies that are loaded when they are first needed, and at once: `import()` would make all that needs them asynchronous.
// Of what does that, bundlers see `require` alone, which only CommonJS has.
exports.loadCel = () => require("@marcbachmann/cel-js");
exports.loadCroner = () => require("croner");
