"""File formats that hold a GPT-2: the layout and checkpoint of OpenAI's release."""
