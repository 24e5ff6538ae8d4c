"""What the gateway, the API and the simulator share: facts, places, stores and the rules that
turn facts into answers.
"""
