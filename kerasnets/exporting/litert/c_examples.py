"""Short C++ programs that run a model from a C array, in two runtimes.

Both read the values of one example from standard input, and print those of every output.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Template

from kerasnets.exporting.litert.flatbuffer import FileTensor

_C_TYPES = {
    "float32": "float",
    "float64": "double",
    "bool": "bool",
    **{f"{sign}int{n}": f"{sign}int{n}_t" for sign in ("", "u") for n in (8, 16, 32, 64)},
}
# The names of the methods of MicroMutableOpResolver that do not follow from those of the operators.
_METHODS = {
    "BATCH_MATMUL": "BatchMatMul",
    "CUMSUM": "CumSum",
    "PADV2": "PadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}

_COMMON = """\
#include <cstdint>
#include <cstdio>

#include "$header"
$includes
// Reads so many values from standard input.
template <typename T>
static bool read_values(T* values, int size) {
  for (int i = 0; i < size; ++i) {
    double value;
    if (std::scanf("%lf", &value) != 1) return false;
    values[i] = static_cast<T>(value);
  }
  return true;
}

template <typename T>
static void print_values(const char* name, const T* values, int size) {
  std::printf("%s", name);
  for (int i = 0; i < size; ++i) std::printf(" %.9g", static_cast<double>(values[i]));
  std::printf("\\n");
}
"""

_LITERT = Template(
    """\
// Runs $header with the C API of LiteRT (TensorFlow Lite).
//
//   g++ -std=c++17 -O2 -I TENSORFLOW -L LIBRARIES example_litert.cc -ltensorflowlite_c -o example
//   ./example < values.txt
//
"""
    + _COMMON
    + """
int main() {
  TfLiteModel* model = TfLiteModelCreate(model_data, model_size);
  TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreterOptionsSetNumThreads(options, 1);
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, options);
  if (!interpreter || TfLiteInterpreterAllocateTensors(interpreter) != kTfLiteOk) {
    std::fprintf(stderr, "the model cannot be loaded\\n");
    return 1;
  }
$inputs
  if (TfLiteInterpreterInvoke(interpreter) != kTfLiteOk) {
    std::fprintf(stderr, "the model cannot be run\\n");
    return 1;
  }
$outputs
  TfLiteInterpreterDelete(interpreter);
  TfLiteInterpreterOptionsDelete(options);
  TfLiteModelDelete(model);
  return 0;
}
"""
)
_LITERT_INPUT = """\
  static $type input_$index[${name}_SIZE];
  if (!read_values(input_$index, ${name}_SIZE)) return 1;
  TfLiteTensorCopyFromBuffer(TfLiteInterpreterGetInputTensor(interpreter, $name), input_$index,
                             sizeof input_$index);"""
_LITERT_OUTPUT = """\
  static $type output_$index[${name}_SIZE];
  TfLiteTensorCopyToBuffer(TfLiteInterpreterGetOutputTensor(interpreter, $name), output_$index,
                           sizeof output_$index);
  print_values($text, output_$index, ${name}_SIZE);"""

_MICRO = Template(
    """\
// Runs $header with TensorFlow Lite Micro. On a microcontroller, replace main and the functions
// that read and print values.
//
"""
    + _COMMON
    + """
alignas(16) static uint8_t arena[MODEL_ARENA_BYTES];

int main() {
  tflite::MicroMutableOpResolver<$count> resolver;
$methods
  tflite::MicroInterpreter interpreter(tflite::GetModel(model_data), resolver, arena, sizeof arena);
  if (interpreter.AllocateTensors() != kTfLiteOk) return 1;
$inputs
  if (interpreter.Invoke() != kTfLiteOk) return 1;
$outputs
  return 0;
}
"""
)
_MICRO_INPUT = """\
  if (!read_values(interpreter.typed_input_tensor<$type>($name),
                   ${name}_SIZE)) {
    return 1;
  }"""
_MICRO_OUTPUT = """\
  print_values($text, interpreter.typed_output_tensor<$type>($name),
               ${name}_SIZE);"""


def litert_example(inputs: Sequence[FileTensor], outputs: Sequence[FileTensor], header: str) -> str:
    """A program for the C API of LiteRT.

    Args:
        inputs: the inputs of the model.
        outputs: its outputs.
        header: the name of the header with the model.
    """
    return _LITERT.substitute(
        header=header,
        includes='#include "tensorflow/lite/c/c_api.h"\n',
        inputs=_lines(_LITERT_INPUT, "INPUT", inputs),
        outputs=_lines(_LITERT_OUTPUT, "OUTPUT", outputs),
    )


def micro_example(
    inputs: Sequence[FileTensor],
    outputs: Sequence[FileTensor],
    header: str,
    operators: Sequence[str],
) -> str:
    """A program for TensorFlow Lite Micro, with the operators that the model needs and no others.

    Args:
        inputs: the inputs of the model.
        outputs: its outputs.
        header: the name of the header with the model.
        operators: the operators of the model, as in the LiteRT schema.
    """
    names = ("micro_interpreter", "micro_mutable_op_resolver")
    includes = [f'#include "tensorflow/lite/micro/{name}.h"\n' for name in names]
    includes.append('#include "tensorflow/lite/schema/schema_generated.h"\n')
    return _MICRO.substitute(
        header=header,
        includes="".join(includes),
        count=len(operators),
        methods="\n".join(f"  resolver.Add{_method(name)}();" for name in operators),
        inputs=_lines(_MICRO_INPUT, "INPUT", inputs),
        outputs=_lines(_MICRO_OUTPUT, "OUTPUT", outputs),
    )


def tensor_macros(side: str, tensors: Sequence[FileTensor]) -> list[str]:
    """The names of the macros with the index of each tensor.

    Args:
        side: ``"INPUT"`` or ``"OUTPUT"``.
        tensors: the inputs or outputs.
    """
    names = [f"MODEL_{side}_{macro(tensor.name)}" for tensor in tensors]
    return [
        name if names.count(name) == 1 else f"{name}_{index}" for index, name in enumerate(names)
    ]


def macro(text: str) -> str:
    """A text as a part of the name of a macro."""
    return re.sub(r"\W", "_", text, flags=re.ASCII).upper()


def c_literal(text: str) -> str:
    """A text as a string literal of C, with UTF-8 bytes as octal numbers."""
    plain = (
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in text.encode()
    )
    return '"' + "".join(plain) + '"'


def _lines(template: str, side: str, tensors: Sequence[FileTensor]) -> str:
    return "\n".join(
        Template(template).substitute(
            type=_C_TYPES[tensor.dtype], index=index, name=name, text=c_literal(tensor.name)
        )
        for index, (name, tensor) in enumerate(
            zip(tensor_macros(side, tensors), tensors, strict=True)
        )
    )


def _method(operator: str) -> str:
    """The end of the name of the method that adds an operator, such as ``Conv2D``."""
    words = (word.capitalize() for word in operator.split("_"))
    return _METHODS.get(operator) or "".join(
        word.upper() if word[0].isdigit() else word for word in words
    )
