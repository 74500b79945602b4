"""The ways in: each only translates what a chat platform sends for `answer.desk`, and what that answers back."""
