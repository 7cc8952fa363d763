"""Networks for use without cnn: PyTorch source, ONNX, TorchScript."""
