// Floor for a whole recording: simdjson on-demand reads from every payload the fields that a record holds. No Python,
// no framing, no ring. usage: recording_floor FILE   (FILE: uint32 little-endian length + payload, repeated)
#include "simdjson.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>
using namespace simdjson;
static volatile double sink;

static void levels(ondemand::object &o, const char *key, double &sum) {
    for (auto level : o[key].get_array()) {
        ondemand::array pair = level.get_array();
        for (auto number : pair) sum += number.get_double_in_string();
    }
}

static void read(ondemand::parser &parser, padded_string &message) {
    ondemand::document document = parser.iterate(message);
    ondemand::object o = document["data"].get_object();
    std::string_view event = o["e"].get_string();
    double sum = 0;
    int64_t whole = 0;
    if (event == "bookTicker") {
        whole += int64_t(o["u"]);
        whole += std::string_view(o["s"]).size();
        for (const char *key : {"b", "B", "a", "A"}) sum += o[key].get_double_in_string();
        whole += int64_t(o["T"]);
    } else if (event == "trade") {
        whole += int64_t(o["T"]);
        whole += std::string_view(o["s"]).size();
        whole += int64_t(o["t"]);
        for (const char *key : {"p", "q"}) sum += o[key].get_double_in_string();
        whole += std::string_view(o["X"]).size();
        whole += bool(o["m"]);
    } else {
        whole += int64_t(o["T"]);
        whole += std::string_view(o["s"]).size();
        for (const char *key : {"U", "u", "pu"}) whole += int64_t(o[key]);
        levels(o, "b", sum);
        levels(o, "a", sum);
    }
    sink = sum + double(whole);
}

int main(int, char **argv) {
    std::ifstream file(argv[1], std::ios::binary);
    std::vector<padded_string> messages;
    uint32_t length;
    while (file.read(reinterpret_cast<char *>(&length), 4)) {
        std::string text(length, 0);
        file.read(&text[0], length);
        messages.emplace_back(text);
    }
    ondemand::parser parser;
    std::vector<double> samples;
    for (int round = 0; round < 9; round++) {
        auto start = std::chrono::steady_clock::now();
        for (auto &message : messages) read(parser, message);
        std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
        samples.push_back(spent.count() / double(messages.size()));
    }
    std::sort(samples.begin(), samples.end());
    printf("{\"topic\": \"recording\", \"peer\": \"floor: simdjson C++\", \"version\": \"%s\", \"case\": "
           "\"recording, bare payloads -> fields (on-demand)\", \"ns_per_op\": %.1f, \"min\": %.1f, \"messages\": %zu}\n",
           SIMDJSON_VERSION, samples[4], samples[0], messages.size());
}
