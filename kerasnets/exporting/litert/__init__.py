"""LiteRT files (``.tflite``) for phones and microcontrollers."""
