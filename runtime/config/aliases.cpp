#include "runtime/config/aliases.hpp"

#include <algorithm>
#include <array>

namespace eightfold::runtime::config {
namespace {

// Longer words are nobody's alias, and folding them takes time.
constexpr std::size_t kLongestWord = 64;

// In lower case, without what joins words.
std::string folded(std::string_view word) {
  std::string result;
  if (word.size() > kLongestWord) return result;
  for (const char c : word) {
    if (c >= 'A' && c <= 'Z')
      result += static_cast<char>(c - 'A' + 'a');
    else if (c != '_' && c != '-' && c != ' ')
      result += c;
  }
  return result;
}

// "model.layer.kind" for "model.layer[2].kind".
std::string without_index(std::string_view full_name) {
  const std::size_t open = full_name.find('['), close = full_name.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos) return std::string(full_name);
  return std::string(full_name.substr(0, open)) + std::string(full_name.substr(close + 1));
}

}  // namespace

// A word may stand behind several names. The section in which it was found decides which one is meant, else
// their order here.
const std::vector<Alias>& aliases() {
  static const std::vector<Alias> all = {
      {"job", {"training", "train", "run", "general"}},
      {"data", {"dataset", "datasets", "input"}},
      {"model.layer", {"layers", "network", "net", "arch", "architecture"}},
      {"optimizer", {"optim", "opt", "solver"}},
      {"schedule", {"scheduler", "lrscheduler", "lrschedule"}},
      {"exchange", {"comm", "communication", "compression", "collective", "allreduce"}},
      {"evaluation", {"eval", "validation", "test"}},
      {"checkpoint", {"ckpt", "save", "saving"}},
      {"telemetry", {"log", "logging", "logger", "metrics", "monitoring"}},
      {"job.name", {"runname", "experiment", "jobname"}},
      {"job.seed", {"randomseed", "manualseed", "rngseed"}},
      {"job.device", {"gpu", "cuda", "backend", "usegpu", "accelerator"}},
      {"job.tf32", {"allowtf32"}},
      {"job.epochs", {"nepochs", "numepochs", "maxepochs", "epoch"}},
      {"job.steps", {"maxsteps", "nsteps", "numsteps", "iterations", "iters", "maxiters", "maxiter"}},
      {"job.global_batch", {"bs", "batch", "batchsize", "globalbatchsize", "trainbatchsize", "minibatch"}},
      {"job.micro_batch", {"microbatchsize", "gradaccum", "gradientaccumulation", "accumulationsteps"}},
      {"job.run_dir", {"output", "outdir", "outputdir", "logdir", "savedir", "workdir"}},
      {"job.threads", {"nthreads", "numthreads", "ompnumthreads"}},
      {"data.kind", {"type", "dataset", "format", "source"}},
      {"model.layer.kind", {"type", "class", "op"}},
      {"optimizer.kind", {"type", "optimizer", "algorithm"}},
      {"schedule.kind", {"type", "policy", "lrpolicy"}},
      {"data.dir", {"path", "root", "datadir", "folder", "datapath"}},
      {"data.train", {"ntrain", "numtrain", "trainsize", "samples"}},
      {"data.test", {"ntest", "numtest", "testsize"}},
      {"model.layer.out",
       {"units", "outfeatures", "outchannels", "filters", "channels", "neurons", "width", "hidden"}},
      {"model.layer.kernel", {"kernelsize", "ksize", "poolsize", "window", "filtersize"}},
      {"model.layer.stride", {"strides"}},
      {"model.layer.padding", {"pad", "pads"}},
      {"model.layer.init", {"initializer", "kernelinitializer", "weightinit", "initialization"}},
      {"model.layer.init_stddev", {"std", "stddev", "sigma", "initstd"}},
      {"model.layer.init_bias", {"bias", "biasinit", "biasinitializer"}},
      {"model.layer.rate", {"p", "prob", "probability", "dropout", "droprate", "pdrop"}},
      {"optimizer.learning_rate", {"lr", "eta", "rate", "stepsize", "baselr", "learnrate", "alpha"}},
      {"optimizer.momentum", {"mu", "mom"}},
      {"optimizer.decay", {"rho", "alpha", "smoothing"}},
      {"optimizer.beta1", {"betas", "b1", "beta"}},
      {"optimizer.beta2", {"b2"}},
      {"optimizer.epsilon", {"eps"}},
      {"optimizer.weight_decay", {"wd", "l2", "lambda", "regularization"}},
      {"optimizer.clip_norm",
       {"clip", "maxnorm", "gradclip", "gradientclip", "maxgradnorm", "clipgradnorm", "gradientclipping"}},
      {"schedule.warmup_steps", {"warmup", "nwarmup", "warmupiters"}},
      {"schedule.step_epochs", {"milestones", "boundaries", "steps", "stepsize"}},
      {"schedule.factor", {"gamma", "decay", "multiplier"}},
      {"schedule.final_fraction", {"etamin", "minlr", "endlr", "finallr", "minlrratio"}},
      {"exchange.codec",
       {"precision", "quantization", "quantizer", "compression", "dtype", "format", "bits"}},
      {"exchange.algorithm", {"algo", "allreduce"}},
      {"exchange.bucket", {"bucketsize", "bucketmb", "bucketcapmb", "bucketbytes"}},
      {"exchange.error_feedback", {"ef", "feedback", "residual", "errorcompensation"}},
      {"exchange.segment", {"segmentsize", "chunk", "chunksize", "message"}},
      {"exchange.scaling", {"blocksize", "block"}},
      {"evaluation.every", {"evalevery", "interval", "evalinterval", "freq", "frequency"}},
      {"evaluation.target_accuracy", {"target", "earlystopping", "accuracy"}},
      {"checkpoint.every", {"saveevery", "interval", "freq", "frequency", "savesteps", "everynsteps"}},
      {"checkpoint.keep", {"keeplast", "savetotallimit", "maxtokeep"}},
      {"checkpoint.dir", {"path", "checkpointdir", "ckptdir"}},
      {"checkpoint.asynchronous", {"async"}},
      {"telemetry.interval", {"every", "logevery", "loginterval", "loggingsteps", "printfreq", "freq"}},
      {"watchdog.deadline", {"timeout", "limit"}}};
  return all;
}

const std::vector<ChoiceAlias>& choice_aliases() {
  static const std::vector<ChoiceAlias> all = {
      {"job.device", "host", {"cpu", "none"}},
      {"job.device", "cuda", {"gpu", "nvidia"}},
      {"data.kind", "idx", {"mnist", "fashionmnist", "emnist", "kmnist", "qmnist"}},
      {"data.kind", "cifar10", {"cifar"}},
      {"data.kind", "digits", {"synthetic", "generated", "random"}},
      {"model.layer.kind", "linear", {"dense", "fc", "fullyconnected", "affine", "innerproduct"}},
      {"model.layer.kind", "conv2d", {"conv", "convolution", "convolution2d"}},
      {"model.layer.kind", "max_pool", {"maxpool", "maxpool2d", "maxpooling", "maxpooling2d", "pool"}},
      {"model.layer.kind",
       "average_pool",
       {"avgpool", "avgpool2d", "avgpooling", "averagepooling", "meanpool"}},
      {"model.layer.kind", "relu", {"activation", "rectifier"}},
      {"model.layer.kind", "lrn", {"localresponsenorm", "localresponsenormalization"}},
      {"model.layer.init", "he", {"kaiming", "kaimingnormal", "henormal", "msra"}},
      {"model.layer.init", "glorot", {"xavier", "xavieruniform", "glorotuniform"}},
      {"model.layer.init", "normal", {"gaussian", "randn"}},
      {"model.layer.init", "zeros", {"zero", "constant"}},
      {"optimizer.kind", "adamw", {"adam"}},
      {"optimizer.kind", "sgd", {"momentum", "nesterov", "sgdm", "gd"}},
      {"schedule.kind", "constant", {"none", "fixed", "off"}},
      {"schedule.kind", "step", {"multistep", "steplr", "multisteplr", "piecewise"}},
      {"schedule.kind", "cosine", {"cos", "cosineannealing", "cosineannealinglr", "cosinelr"}},
      {"exchange.codec", "fp32", {"float32", "float", "f32", "none", "32", "32bit", "off"}},
      {"exchange.codec", "bf16", {"bfloat16", "16", "16bit"}},
      {"exchange.codec", "fp16", {"float16", "half", "f16"}},
      {"exchange.codec", "dynamic-tree8", {"dynamic", "dynamictree", "tree", "tree8", "8", "8bit"}},
      {"exchange.codec", "linear8", {"int8", "linear", "q8", "uint8"}},
      {"exchange.codec", "fp8-e4m3", {"fp8", "e4m3", "float8"}},
      {"exchange.codec", "fp8-e5m2", {"e5m2"}},
      {"exchange.codec", "linear4", {"int4", "4", "4bit", "q4"}},
      {"exchange.codec", "one-bit", {"1bit", "sign", "signsgd", "1"}},
      {"exchange.algorithm", "mpi", {"allreduce", "mpiallreduce"}},
      {"exchange.algorithm", "two_shot", {"twostep", "2shot", "reducescatterallgather"}},
      {"exchange.error_feedback", "on", {"true", "yes"}},
      {"exchange.error_feedback", "off", {"false", "no", "none"}},
      {"exchange.rounding", "stochastic", {"random", "sr"}},
      {"exchange.rounding", "nearest", {"deterministic", "rne", "even"}},
      {"exchange.scaling", "block", {"blockwise", "perblock"}},
      {"exchange.scaling", "tensor", {"global", "pertensor", "whole"}},
      {"exchange.transport", "direct", {"gpudirect", "rdma"}},
      {"exchange.transport", "staged", {"host", "pinned"}}};
  return all;
}

std::vector<std::string_view> meanings(std::string_view word) {
  const std::string text = folded(word);
  std::vector<std::string_view> found;
  for (const Alias& alias : aliases())
    if (std::ranges::find(alias.words, text) != alias.words.end()) found.push_back(alias.name);
  return found;
}

std::string_view choice_meant(std::string_view full_name, std::string_view word) {
  const std::string text = folded(word), key = without_index(full_name);
  for (const ChoiceAlias& alias : choice_aliases())
    if (alias.key == key && std::ranges::find(alias.words, text) != alias.words.end()) return alias.choice;
  return {};
}

}  // namespace eightfold::runtime::config
